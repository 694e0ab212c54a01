package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"time"
)

// DefaultMaxEventBytes bounds an event that a [Decoder] reads.
const DefaultMaxEventBytes = 1 << 20

// ErrEventTooLarge ends the reading of a stream with an event over the limit.
var ErrEventTooLarge = errors.New("wire: event too large")

// Message is an event as it was dispatched.
type Message struct {
	// ID is the last event ID of the stream after this event, whether the
	// event set it or an earlier one did.
	ID string
	// Type is "message" where the event has none.
	Type string
	Data string
	// Key and Traceparent are the event's own fields of these names, which a
	// browser ignores. They are not checked.
	Key         string
	Traceparent string
}

// Decoder reads an event stream as the WHATWG HTML specification has it,
// section 9.2.6, Interpreting an event stream. An event is returned as soon as
// the first byte of the line ending that completes it has arrived. Set the
// fields before the first use. A Decoder is not safe for concurrent use.
type Decoder struct {
	// MaxEventBytes bounds the data of an event together with the line being
	// read, of which comments and unknown fields are no exception. Memory is
	// bounded by a small multiple of it. 0: [DefaultMaxEventBytes].
	MaxEventBytes int
	// OnActivity is called by Next whenever bytes have arrived, before they
	// are looked at. It is what a watchdog waits for: a heartbeat that is a
	// comment, and the slow parts of a large event, show up nowhere else. May
	// be nil.
	OnActivity func()

	r     io.Reader
	err   error // what reading ended with, given to the caller after the rest
	input lineBuffer
	begun bool // the first line, which may have a byte order mark, is behind

	// Named as in the specification.
	dataBuffer        []byte
	eventTypeBuffer   []byte
	lastEventIDBuffer []byte
	lastEventID       string
	idPending, idSeen bool // in the event under way; in a complete one
	reconnectionTime  time.Duration
	retrySeen         bool

	key         []byte
	traceparent []byte
	lastType    string // spares a string for each event of the same type
}

// NewDecoder returns a decoder of one stream, from its beginning.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{r: r, lastType: "message"}
}

// LastID returns the last event ID string: what to present in Last-Event-ID
// when reconnecting. It moves when an event is complete, even if that event
// has no data and is not dispatched, and never for an event cut short. Until an
// event of this stream has set it, seen is false, and what another stream has
// set still holds. One that was set to nothing is a reset: nothing is to be
// presented.
func (d *Decoder) LastID() (id string, seen bool) { return d.lastEventID, d.idSeen }

// Retry returns the reconnection time that the stream asked for last, if it
// did. It holds from its line on, with or without an event.
func (d *Decoder) Retry() (time.Duration, bool) { return d.reconnectionTime, d.retrySeen }

// Next returns the next event. At the end of the stream it returns the
// reader's error, which is io.EOF for an orderly end; an incomplete event is
// then discarded. Errors are final.
func (d *Decoder) Next() (Message, error) {
	for {
		line, ok := d.input.line()
		// A line that has not ended yet counts too: it is held in memory.
		if len(line)+len(d.dataBuffer) > d.limit() {
			d.err, d.input, d.dataBuffer = ErrEventTooLarge, lineBuffer{}, nil
			return Message{}, d.err
		}
		switch {
		case !ok:
			if err := d.fill(); err != nil {
				return Message{}, err
			}
			continue
		case !d.begun:
			// Of the decoding of UTF-8: one byte order mark at the start.
			d.begun = true
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if len(line) > 0 {
			d.interpret(line)
		} else if m, ok := d.dispatch(); ok {
			return m, nil
		}
	}
}

func (d *Decoder) limit() int {
	if d.MaxEventBytes > 0 {
		return d.MaxEventBytes
	}
	return DefaultMaxEventBytes
}

// fill reads once, or says why there is nothing more to read.
func (d *Decoder) fill() error {
	if d.err != nil {
		return d.err
	}
	n, err := d.input.fill(d.r)
	d.err = err
	if n > 0 && d.OnActivity != nil {
		d.OnActivity()
	}
	return nil
}

// interpret takes one line that is not blank.
func (d *Decoder) interpret(line []byte) {
	name, value, _ := bytes.Cut(line, []byte{':'})
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) { // a comment has an empty name
	case "data":
		d.dataBuffer = append(d.dataBuffer, value...)
		d.dataBuffer = append(d.dataBuffer, '\n')
	case "event":
		d.eventTypeBuffer = append(d.eventTypeBuffer[:0], value...)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			d.lastEventIDBuffer = append(d.lastEventIDBuffer[:0], value...)
			d.idPending = true
		}
	case "retry":
		d.setRetry(value)
	case "key":
		d.key = append(d.key[:0], value...)
	case "traceparent":
		d.traceparent = append(d.traceparent[:0], value...)
	}
}

// setRetry takes ASCII digits only. An empty value says nothing, and more
// than a browser's timer can hold (2^31-1 ms, 24 days) is taken as that.
func (d *Decoder) setRetry(value []byte) {
	var ms int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return
		}
		ms = min(ms*10+int64(c-'0'), math.MaxInt32)
	}
	if len(value) > 0 {
		d.reconnectionTime, d.retrySeen = time.Duration(ms)*time.Millisecond, true
	}
}

// dispatch ends the event at a blank line. It answers false where there is no
// data: such an event moves the last event ID and is otherwise dropped.
func (d *Decoder) dispatch() (Message, bool) {
	d.idSeen = d.idSeen || d.idPending
	if string(d.lastEventIDBuffer) != d.lastEventID {
		d.lastEventID = decodeUTF8(d.lastEventIDBuffer)
	}
	m := Message{ID: d.lastEventID, Type: "message"}
	dispatched := len(d.dataBuffer) > 0
	if dispatched {
		m.Data = decodeUTF8(d.dataBuffer[:len(d.dataBuffer)-1]) // without the last LF
		if len(d.eventTypeBuffer) > 0 {
			if string(d.eventTypeBuffer) != d.lastType {
				d.lastType = decodeUTF8(d.eventTypeBuffer)
			}
			m.Type = d.lastType
		}
		m.Key = decodeUTF8(d.key)
		m.Traceparent = decodeUTF8(d.traceparent)
	}
	if cap(d.dataBuffer) > largeBuffer {
		d.dataBuffer = nil // one large event must not cost memory for good
	}
	d.dataBuffer = d.dataBuffer[:0]
	d.eventTypeBuffer = d.eventTypeBuffer[:0]
	d.key = d.key[:0]
	d.traceparent = d.traceparent[:0]
	return m, dispatched
}
