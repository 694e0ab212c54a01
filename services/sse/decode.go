package sse

import (
	"bytes"
	"errors"
	"io"
	"math"
	"time"
	"unicode/utf8"
)

// DefaultMaxEventBytes bounds an event that a [Decoder] reads.
const DefaultMaxEventBytes = 1 << 20

// ErrEventTooLarge ends the reading of a stream with an event over the limit.
var ErrEventTooLarge = errors.New("sse: event too large")

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
// has no data and is not dispatched, and never for an event cut short. It is
// empty until an event of this stream has set it.
func (d *Decoder) LastID() string { return d.lastEventID }

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

// decodeUTF8 decodes as the Encoding standard does. Decoding values and not
// the stream is the same, since a malformed sequence never takes in an ASCII
// byte and all that structures the stream is ASCII.
func decodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = malformedLen(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return string(out)
}

// malformedLen returns the length of the malformed sequence that b begins
// with, which becomes one U+FFFD: the longest part that could begin a
// character (Unicode, section 3.9, Substitution of Maximal Subparts), at least
// one byte.
func malformedLen(b []byte) int {
	size, low, high := 1, byte(0x80), byte(0xBF) // of the second byte
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		size = 2
	case c >= 0xE0 && c <= 0xEF:
		size = 3
		if c == 0xE0 {
			low = 0xA0 // below: overlong
		} else if c == 0xED {
			high = 0x9F // above: a surrogate
		}
	case c >= 0xF0 && c <= 0xF4:
		size = 4
		if c == 0xF0 {
			low = 0x90 // below: overlong
		} else if c == 0xF4 {
			high = 0x8F // above: beyond U+10FFFF
		}
	}
	n := 1
	for n < min(size, len(b)) && b[n] >= low && b[n] <= high {
		n, low, high = n+1, 0x80, 0xBF
	}
	return n
}

const (
	smallBuffer = 4 << 10  // most streams never need more
	largeBuffer = 64 << 10 // nor does a fast one; beyond that only a long line
)

// lineBuffer cuts what it reads into lines. The line under way begins at
// bytes[start]; its ending has been looked for up to bytes[searched], and
// none of the bytes up to bytes[noLF] is a line feed.
type lineBuffer struct {
	bytes    []byte
	start    int
	searched int
	noLF     int
	afterCR  bool // a line feed here belongs to the ending before it
}

// line returns the next line without its ending, valid until fill, or what
// there is of it and false. A CR ends a line at once: waiting to see whether
// an LF follows would hold back an event.
func (l *lineBuffer) line() ([]byte, bool) {
	if l.afterCR && l.start < len(l.bytes) {
		l.afterCR = false
		if l.bytes[l.start] == '\n' {
			l.start++
		}
		l.searched = max(l.searched, l.start)
	}
	// Where the next line feed is, is kept: looking again for each CR would be
	// quadratic.
	if l.noLF = max(l.noLF, l.searched); l.noLF < len(l.bytes) && l.bytes[l.noLF] != '\n' {
		if i := bytes.IndexByte(l.bytes[l.noLF:], '\n'); i >= 0 {
			l.noLF += i
		} else {
			l.noLF = len(l.bytes)
		}
	}
	end := l.noLF
	if i := bytes.IndexByte(l.bytes[l.searched:end], '\r'); i >= 0 {
		end, l.afterCR = l.searched+i, true
	}
	line := l.bytes[l.start:end]
	if end == len(l.bytes) {
		l.searched = end
		return line, false
	}
	l.start, l.searched = end+1, end+1
	return line, true
}

// fill makes room and reads once. A read that left no room shows a long line
// or a fast stream, so the next one gets twice as much.
func (l *lineBuffer) fill(r io.Reader) (int, error) {
	rest, size := l.bytes[l.start:], max(cap(l.bytes), smallBuffer)
	switch {
	case len(rest) == size, len(l.bytes) == size && size < largeBuffer:
		size *= 2
	case len(rest) < largeBuffer/2 && size > largeBuffer:
		size = largeBuffer // the long line is over
	}
	if size != cap(l.bytes) {
		l.bytes = append(make([]byte, 0, size), rest...)
	} else if l.start > 0 {
		l.bytes = l.bytes[:copy(l.bytes, rest)]
	}
	l.searched, l.noLF, l.start = l.searched-l.start, l.noLF-l.start, 0
	for range 100 {
		n, err := r.Read(l.bytes[len(l.bytes):cap(l.bytes)])
		l.bytes = l.bytes[:len(l.bytes)+n]
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
