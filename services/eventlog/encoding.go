package eventlog

import "sync"

// encoding is the bodies of some events, made before the topic's lock is taken.
type encoding struct {
	buf  []byte
	ends []int
}

var encodings = sync.Pool{New: func() any { return &encoding{} }}

// maxEncoding is how large one may be that waits to be used again.
const maxEncoding = 1 << 20

func (l *encoding) encode(events []Event) {
	l.buf, l.ends = l.buf[:0], l.ends[:0]
	for i := range events {
		l.buf = events[i].AppendBody(l.buf)
		l.ends = append(l.ends, len(l.buf))
	}
}

// body returns the body of an event, until release.
func (l *encoding) body(i int) []byte {
	from := 0
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.buf[from:l.ends[i]]
}

func (l *encoding) release() {
	if cap(l.buf) <= maxEncoding {
		encodings.Put(l)
	}
}
