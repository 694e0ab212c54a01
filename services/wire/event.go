package wire

import "bytes"

// The id line is an event's last, before its blank line. Clients are out there
// that store an id when its line arrives and not, as the specification has it
// (section 9.2.6), when the event is complete: cut off within a large event
// they would present the id of one that they never had.
const (
	IDField  = "id: "
	EventEnd = "\n\n" // of that line and the event
)

// AppendEvent appends an event of one topic: the lines of a body that
// [AppendBody] made, the id line, and the blank line. It appends
// len(body)+[IDLineLen] bytes.
func AppendEvent(dst, body []byte, id ID) []byte {
	fields := bytes.TrimSuffix(body, blankLine)
	dst = append(dst, fields...)
	dst = append(dst, IDField...)
	dst = id.AppendTo(dst)
	dst = append(dst, '\n')
	return append(dst, body[len(fields):]...)
}

// IDLineLen returns the length of an event's id line.
func IDLineLen(id ID) int { return len(IDField) + digits(id.MS) + 1 + digits(id.Seq) + 1 }

func digits(n uint64) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}

var blankLine = []byte{'\n'}

// FieldsOf returns what [AppendEvent] put before the id line, which is all of
// the body but its blank line. With [IDField], another id and [EventEnd] behind
// them they are the event for a connection with ids of its own.
func FieldsOf(event []byte, id ID) []byte { return event[:len(event)-IDLineLen(id)-len(blankLine)] }

const (
	traceparentField = "traceparent: "
	traceparentLen   = 2 + 1 + 32 + 1 + 16 + 1 + 2
	traceparentTail  = len(traceparentField) + traceparentLen + len("\n")
)

// TraceparentOf returns the trace of an event that [AppendEvent] made, or
// nothing where it has none. [AppendBody] writes that field last, and nothing
// that a publisher chooses can begin a line.
func TraceparentOf(event []byte, id ID) []byte {
	fields := FieldsOf(event, id)
	from := len(fields) - traceparentTail
	if from < 1 || fields[from-1] != '\n' {
		return nil
	}
	p, ok := bytes.CutPrefix(fields[from:], []byte(traceparentField))
	if !ok {
		return nil
	}
	return p[:traceparentLen]
}
