package wire

import (
	"bytes"
	"io"
)

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
