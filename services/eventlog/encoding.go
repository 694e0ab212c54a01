package eventlog

// encoding is the bodies of some events, made before the topic's lock is taken.
type encoding struct {
	buf  []byte
	ends []int
}

// maxEncoding is how large one may be that is used again.
const maxEncoding = 1 << 20

// encode makes the bodies of events, for release. Stores mostly commit in one
// goroutine, so one encoding is enough for most.
func (l *Log) encode(events []Event) *encoding {
	lines := l.encoding.Swap(nil)
	if lines == nil {
		lines = &encoding{}
	}
	lines.buf, lines.ends = lines.buf[:0], lines.ends[:0]
	for i := range events {
		lines.buf = events[i].AppendBody(lines.buf)
		lines.ends = append(lines.ends, len(lines.buf))
	}
	return lines
}

func (l *Log) release(lines *encoding) {
	if cap(lines.buf) <= maxEncoding {
		l.encoding.Store(lines)
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
