package streams

import "bytes"

// listener is told what an answer says.
type listener interface {
	began()
	refused(status int, retryAfter string)
	// event tells of an event; what it is given holds during the call.
	event(e *event)
	// whole tells of data and an id that look like an event of a load test, and
	// returns whether they are one. Else nothing is taken up of them.
	whole(data, id []byte) bool
	retry(ms []byte)
}

// event is what the lines of an event said. Of several data lines it has the
// first: a load test's events have one.
type event struct {
	kind, data, id []byte
	hasID          bool
}

// lines reads an event stream's lines (WHATWG HTML, 9.2.6). Line ends are LF or
// CRLF, as all servers write them.
type lines struct {
	carry []byte // of a line that has not ended
	now   event  // what it is made of so far
	some  bool
	long  int // of the last line of data
}

// take reads what came next.
func (l *lines) take(p []byte, heard listener) error {
	if len(l.carry) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			if l.carry = append(l.carry, p...); len(l.carry) > mostLine {
				return errTooLong
			}
			return nil
		}
		l.carry = append(l.carry, p[:i]...)
		p = p[i+1:]
		l.line(l.carry, heard)
		l.keep()
		l.carry = shrunk(l.carry)
	}
	for {
		if n := l.likeLast(p, heard); n > 0 {
			p = p[n:]
			continue
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		l.line(p[:i], heard)
		p = p[i+1:]
	}
	l.keep()
	if len(p) > 0 {
		l.carry = append(l.carry, p...)
	}
	return nil
}

// likeLast takes up an event that is as long as the last, of a line of data and
// one with an id, without looking for their ends. It returns how long it is; 0
// where it is none.
func (l *lines) likeLast(p []byte, heard listener) int {
	const data, id = "data: ", "id: "
	n := l.long
	if l.some || n < len(data) || len(p) < n+1+len(id) || string(p[n:n+1+len(id)]) != "\n"+id || string(p[:len(data)]) != data {
		return 0
	}
	rest := p[n+1+len(id):]
	i := bytes.IndexByte(rest, '\n')
	if i < 1 || i+1 >= len(rest) || rest[i+1] != '\n' || !heard.whole(p[len(data):n], rest[:i]) {
		return 0
	}
	return n + 1 + len(id) + i + 2
}

// shrunk empties a buffer, and lets go of a large one: there are many streams.
func shrunk(p []byte) []byte {
	if cap(p) > 1<<10 {
		return nil
	}
	return p[:0]
}

// line takes up one line without its end.
func (l *lines) line(p []byte, heard listener) {
	if n := len(p); n > 0 && p[n-1] == '\r' {
		p = p[:n-1]
	}
	if len(p) == 0 {
		if l.some {
			heard.event(&l.now)
		}
		l.now, l.some = event{}, false
		return
	}
	switch p[0] {
	case 'd':
		if value, ok := field(p, "data:"); ok {
			if l.now.data == nil {
				l.now.data = value
			}
			l.long = len(p)
			l.some = true
		}
	case 'i':
		if value, ok := field(p, "id:"); ok {
			l.now.id, l.now.hasID, l.some = value, true, true
		}
	case 'e':
		if value, ok := field(p, "event:"); ok {
			l.now.kind, l.some = value, true
		}
	case 'r':
		if value, ok := field(p, "retry:"); ok {
			heard.retry(value)
		}
	}
}

func field(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || string(line[:len(name)]) != name {
		return nil, false
	}
	value := line[len(name):]
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return value, true
}

// keep copies what an event that has not ended has said: what it was read from
// is used again.
func (l *lines) keep() {
	if !l.some {
		return
	}
	kept := make([]byte, 0, len(l.now.kind)+len(l.now.data)+len(l.now.id))
	hold := func(p []byte) []byte {
		if p == nil {
			return nil
		}
		from := len(kept)
		kept = append(kept, p...)
		return kept[from:len(kept):len(kept)]
	}
	l.now.kind, l.now.data, l.now.id = hold(l.now.kind), hold(l.now.data), hold(l.now.id)
}
