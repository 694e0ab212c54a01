package publish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// maxLine is the longest line that is sent; no hub accepts longer ones.
const maxLine = 16 << 20

var errTooLong = errors.New("line too long")

// line is one line without its end, or why there is none.
type line struct {
	text []byte // holds until next
	err  error
}

// lineReader reads lines of any length in bounded memory.
type lineReader struct {
	in    *bufio.Reader
	buf   []byte
	lines chan line
	again chan struct{}
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10), lines: make(chan line), again: make(chan struct{}, 1)}
}

// start reads one line for each next, and the first at once, until ctx or the
// input ends. A read under way cannot be interrupted: its goroutine stays
// until the input gives something or the process ends.
func (r *lineReader) start(ctx context.Context) <-chan line {
	go func() {
		for {
			text, err := r.read()
			select {
			case r.lines <- line{text, err}:
			case <-ctx.Done():
				return
			}
			if err != nil && !errors.Is(err, errTooLong) {
				return
			}
			select {
			case <-r.again:
			case <-ctx.Done():
				return
			}
		}
	}()
	return r.lines
}

// next allows the reader to reuse the line's memory for the next one.
func (r *lineReader) next() { r.again <- struct{}{} }

// read returns the next line without its line end. The end of the input ends
// a line too.
func (r *lineReader) read() ([]byte, error) {
	r.buf = r.buf[:0]
	long := false
	for {
		part, err := r.in.ReadSlice('\n')
		switch {
		case long:
		case len(r.buf)+len(part) > maxLine+len("\r\n"):
			long = true
		default:
			r.buf = append(r.buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(r.buf) == 0 && !long) {
			return nil, err
		}
		text := bytes.TrimSuffix(bytes.TrimSuffix(r.buf, []byte("\n")), []byte("\r"))
		if long || len(text) > maxLine {
			return nil, errTooLong
		}
		return text, nil
	}
}
