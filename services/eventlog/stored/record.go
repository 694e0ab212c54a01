package stored

import (
	"encoding/binary"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Place is what a record was given with its id.
type Place struct {
	Appended time.Time   // by the store's clock, in microseconds; the id may be ahead of it
	Prev     eventlog.ID // nothing is missing between this one and the record
	Size     int         // what the record counts in its topic's bytes
	// Events and Bytes are those of the topic since its beginning, up to and
	// with this record.
	Events, Bytes uint64
}

// The numbers of fields. Those that can't be passed over are odd.
const (
	fieldEnd         = 0 // no more of them: the data follows
	fieldType        = 2
	fieldKey         = 4
	fieldTraceparent = 6
)

// Append appends a record as it is stored under its topic and its id.
func (s Scope) Append(dst []byte, e *eventlog.Event, p Place) []byte {
	from := len(dst)
	dst = append(dst, make([]byte, prefixLen)...)
	dst = append(dst, byte(e.Kind), byte(e.Content))
	dst = binary.AppendVarint(dst, p.Appended.UnixMicro()-int64(e.ID.MS)*1000)
	dst = binary.AppendUvarint(dst, e.ID.MS-p.Prev.MS)
	dst = binary.AppendUvarint(dst, p.Prev.Seq)
	dst = binary.AppendUvarint(dst, uint64(p.Size))
	dst = binary.AppendUvarint(dst, p.Events)
	dst = binary.AppendUvarint(dst, p.Bytes)
	dst = appendField(dst, fieldType, e.Type)
	dst = appendField(dst, fieldKey, e.Key)
	dst = appendField(dst, fieldTraceparent, e.Traceparent)
	dst = append(dst, fieldEnd)
	dst = append(dst, e.Data...)
	end := len(dst)
	dst = AppendID(dst, e.ID) // for the checksum, where it takes no allocation
	s.Seal(dst[from:end:end], dst[end:])
	return dst[:end]
}

func appendField(dst []byte, number byte, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, number)
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

// Read reads a record that is stored under a key, as AppendID makes it, into e. Its data is that of b.
// What e has from a record before is used again where it is the same. The error
// is ErrDamaged or ErrNewer.
func (s Scope) Read(key, b []byte, e *eventlog.Event) (p Place, err error) {
	if len(key) != IDLen {
		return p, ErrDamaged
	}
	b, err = s.Unseal(b, key)
	if err != nil {
		return p, err
	}
	r, id := reader{b: b}, ReadID(key)
	e.ID = id
	e.Kind, e.Content = eventlog.Kind(r.byte()), eventlog.Content(r.byte())
	p.Appended = time.UnixMicro(int64(id.MS)*1000 + r.varint())
	p.Prev.MS = id.MS - r.uvarint()
	p.Prev.Seq = r.uvarint()
	p.Size = int(r.uvarint())
	p.Events = r.uvarint()
	p.Bytes = r.uvarint()
	r.fields(&e.Record)
	e.Data = r.b
	return p, r.err
}

// fields reads the fields, up to the data.
func (r *reader) fields(e *eventlog.Record) {
	var typ, key, traceparent []byte
	for {
		number := r.byte()
		if number == fieldEnd || r.err != nil {
			break
		}
		value := r.bytes(r.uvarint())
		switch number {
		case fieldType:
			typ = value
		case fieldKey:
			key = value
		case fieldTraceparent:
			traceparent = value
		default:
			if number%2 == 1 && r.err == nil {
				r.err = newer("a field", number)
				return
			}
		}
	}
	reuse(&e.Type, typ)
	reuse(&e.Key, key)
	reuse(&e.Traceparent, traceparent)
}

// reuse sets a text, which allocates only where it is another.
func reuse(s *string, b []byte) {
	if *s != string(b) {
		*s = string(b)
	}
}
