package eventlog

import (
	"encoding/base64"

	"github.com/sluice-stream/sluice/services/wire"
)

// Kind is what a record says.
type Kind uint8

// The kinds. What a release does not know it hands on: such a record moves its
// readers' position and tells them nothing.
const (
	KindEvent     Kind = iota // something was published
	KindEnd                   // the topic has ended: nothing follows
	KindTombstone             // the record's key is gone
	KindSettings              // the topic has other settings from here on
)

// Content is what a record's data is.
type Content uint8

// The contents.
const (
	Text  Content = iota // UTF-8
	Bytes                // anything; base64 on the wire
)

// Record is an event as its publisher gave it, before it is an event of the
// wire. Fields may be added to it.
type Record struct {
	Kind    Kind
	Content Content
	Type    string // empty: none
	Key     string // what it is about; empty: nothing
	// Traceparent is the W3C trace context that it was published in; empty: it
	// was not sampled.
	Traceparent string
	Data        []byte
}

// AppendBody appends the record's lines and the blank line, as
// [wire.AppendBody] does. A record that tells readers nothing has the blank
// line alone.
func (r *Record) AppendBody(dst []byte) []byte {
	switch {
	case r.Kind != KindEvent:
		return append(dst, '\n')
	case r.Content == Bytes:
		data := base64.StdEncoding.AppendEncode(nil, r.Data)
		return wire.AppendBody(dst, r.body(data))
	}
	return wire.AppendBody(dst, r.body(r.Data))
}

// Size returns how many bytes [Record.AppendBody] appends: what the event
// counts in the limits of a store.
func (r *Record) Size() int {
	switch {
	case r.Kind != KindEvent:
		return 1
	case r.Content == Bytes:
		return wire.BodySize(r.body(nil)) + base64.StdEncoding.EncodedLen(len(r.Data))
	}
	return wire.BodySize(r.body(r.Data))
}

func (r *Record) body(data []byte) wire.Body {
	return wire.Body{Type: r.Type, Key: r.Key, Traceparent: r.Traceparent, Data: data}
}

// Entry is what is given to a store: a record that has no id yet, and what
// must hold for it. Nothing of it is changed, or kept after Append returned.
type Entry struct {
	Record
	// Idempotency makes the append happen once; nil: it happens each time. The
	// store remembers it with the event, in one commit.
	Idempotency *Idempotency
	// Condition must hold for the record's key when the entry is committed.
	Condition Condition
}

// TextEntry returns an entry of an event with text.
func TextEntry(typ, data string) Entry {
	return Entry{Record: Record{Type: typ, Data: []byte(data)}}
}

// Condition is what must hold of a key's latest event. The zero value always
// does. An event that is gone, and a tombstone, are none.
type Condition struct {
	Absent bool // the key has none
	At     ID   // it is this one; zero: that is not asked
}

// Check returns a [*ConditionError] where a condition does not hold. latest is
// the id of the key's latest event; zero: it has none.
func (c Condition) Check(latest ID) error {
	if c.Absent && !latest.IsZero() || !c.At.IsZero() && c.At != latest {
		return &ConditionError{latest}
	}
	return nil
}

// Any reports whether anything is asked.
func (c Condition) Any() bool { return c != Condition{} }

// Event is a record that was committed.
type Event struct {
	ID ID
	// Number is which of its topic's events it is, from 1; 0: the store does not
	// say. Stores set it where they read.
	Number uint64
	Record
}
