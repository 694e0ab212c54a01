package streams

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// reply reads an answer of HTTP/1.1 as it comes: its head, its framing, and the
// lines of its body.
type reply struct {
	carry   []byte // of a head, a chunk's size or a line that has not ended
	left    int64  // of the chunk
	stage   stage
	chunked bool
	lines   lines
}

type stage uint8

const (
	inHead stage = iota
	inSize       // of a chunk, on a line of its own
	inData
	inEnd // the line end after a chunk
	inTrailer
	atEnd
)

// Limits of what is kept of an answer that does not come to an end.
const (
	mostHead = 64 << 10
	mostSize = 256
	mostLine = 8 << 20
)

var (
	errFraming = errors.New("the answer's framing is broken")
	errTooLong = errors.New("a line of the answer has no end")
)

// refusal is an answer other than 200.
type refusal struct{ status int }

func (r *refusal) Error() string { return fmt.Sprintf("the answer is %d", r.status) }

// take reads what came next. heard is told of the head, and of what the lines
// say.
func (r *reply) take(p []byte, heard listener) error {
	for len(p) > 0 {
		if r.stage == inData {
			n := len(p)
			if r.chunked {
				n = int(min(int64(n), r.left))
			}
			if err := r.lines.take(p[:n], heard); err != nil {
				return err
			}
			p = p[n:]
			if r.chunked {
				if r.left -= int64(n); r.left == 0 {
					r.stage = inEnd
				}
			}
			continue
		}
		if r.stage == atEnd {
			return errFraming
		}
		line, rest, err := r.line(p)
		if err != nil {
			return err
		}
		p = rest
		if line == nil {
			continue
		}
		if err := r.turn(line, heard); err != nil {
			return err
		}
		r.carry = r.carry[:0]
	}
	return nil
}

// line returns the next line of the head, or around a chunk; nil while it has
// not ended. A head counts as one line.
func (r *reply) line(p []byte) (line, rest []byte, err error) {
	most := mostSize
	if r.stage == inHead {
		most = mostHead
	}
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			if r.carry = append(r.carry, p...); len(r.carry) > most {
				return nil, nil, errTooLong
			}
			return nil, nil, nil
		}
		line, p = p[:i+1], p[i+1:]
		if len(r.carry) > 0 || r.stage == inHead {
			r.carry = append(r.carry, line...)
			line = r.carry
		}
		if r.stage != inHead || bytes.HasSuffix(line, []byte("\r\n\r\n")) || bytes.HasSuffix(line, []byte("\n\n")) {
			return line, p, nil
		}
		if len(line) > most {
			return nil, nil, errTooLong
		}
	}
}

// turn goes from one part of the answer to the next.
func (r *reply) turn(line []byte, heard listener) error {
	text := bytes.TrimRight(line, "\r\n")
	switch r.stage {
	case inHead:
		return r.head(text, heard)
	case inSize:
		size, _, _ := bytes.Cut(text, []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 63)
		if err != nil || n < 0 {
			return errFraming
		}
		r.left, r.stage = n, inData
		if n == 0 {
			r.stage = inTrailer
		}
	case inEnd:
		if len(text) > 0 {
			return errFraming
		}
		r.stage = inSize
	case inTrailer:
		if len(text) == 0 {
			r.stage = atEnd
		}
	}
	return nil
}

// head reads the status and what is needed of the fields.
func (r *reply) head(text []byte, heard listener) error {
	first, fields, _ := bytes.Cut(text, []byte("\n"))
	_, status, _ := bytes.Cut(first, []byte(" "))
	code, err := strconv.Atoi(string(status[:min(3, len(status))]))
	if err != nil {
		return errFraming
	}
	var wait string
	for field := range bytes.Lines(fields) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(field), []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			r.chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		case bytes.EqualFold(name, []byte("Retry-After")):
			wait = string(bytes.TrimSpace(value))
		}
	}
	if code != 200 {
		heard.refused(code, wait)
		return &refusal{code}
	}
	r.stage = inData
	if r.chunked {
		r.stage = inSize
	}
	heard.began()
	return nil
}
