package wire

import "bytes"

const idField = "id: "

// AppendIDLine appends the id line of an event of one topic.
func AppendIDLine(dst []byte, id ID) []byte {
	dst = append(dst, idField...)
	dst = id.AppendTo(dst)
	return append(dst, '\n')
}

// IDLineLen returns the length of what [AppendIDLine] appends.
func IDLineLen(id ID) int { return len(idField) + digits(id.MS) + 1 + digits(id.Seq) + 1 }

func digits(n uint64) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}

const (
	traceparentField = "traceparent: "
	traceparentLen   = 2 + 1 + 32 + 1 + 16 + 1 + 2
	traceparentTail  = len(traceparentField) + traceparentLen + len("\n\n")
)

// TraceparentOf returns the trace of an event as it goes over the wire, or
// nothing where it has none. [AppendBody] writes that field last, and nothing
// that a publisher chooses can begin a line.
func TraceparentOf(event []byte) []byte {
	from := len(event) - traceparentTail
	if from < 1 || event[from-1] != '\n' {
		return nil
	}
	p, ok := bytes.CutPrefix(event[from:], []byte(traceparentField))
	if !ok {
		return nil
	}
	return p[:traceparentLen]
}
