package streams

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/mark"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// ear takes up what one stream hears. Its driver aims it before each read, and
// holds the sink's mutex meanwhile.
type ear struct {
	o    *Options
	sink *sink
	s    *stream
	now  int64 // when the bytes were read: nanoseconds since the Unix epoch

	// The milliseconds of the last id, as they stand in it: those of the next are
	// most often the same.
	prefix []byte
	ms     uint64
}

func (e *ear) began() {
	s := e.s
	e.sink.Connects++
	times.Note(e.sink.Connect, e.now-s.asked)
	if s.cut > 0 {
		e.sink.Returns++
		times.Note(e.sink.Return, e.now-s.cut)
	}
	s.up, s.was, s.cut, s.failures = true, true, 0, 0
}

func (e *ear) refused(status int, retryAfter string) {
	e.sink.refuse(status)
	if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds >= 0 {
		e.s.wait = int64(seconds) * int64(time.Second)
	}
	e.s.final = status == 204
}

func (e *ear) retry(ms []byte) {
	if n, err := strconv.ParseInt(string(ms), 10, 32); err == nil && n >= 0 {
		e.s.wait = n * int64(time.Millisecond)
	}
}

func (e *ear) event(v *event) {
	if v.hasID {
		e.s.id = append(e.s.id[:0], v.id...)
	}
	m, found := mark.Read(v.data)
	switch {
	case found == mark.Damaged:
		e.sink.Damaged++
	case found == mark.None && bytes.HasPrefix(v.kind, []byte("stream.")):
		e.control(v)
	case found == mark.None || m.Run != e.o.Run:
		e.sink.Foreign++
	default:
		e.marked(m, v.id)
	}
}

func (e *ear) whole(data, id []byte) bool {
	m, found := mark.Read(data)
	if found != mark.Whole || m.Run != e.o.Run {
		return false
	}
	e.s.id = append(e.s.id[:0], id...)
	e.marked(m, id)
	return true
}

// marked takes up an event of this load test.
func (e *ear) marked(m mark.Mark, id []byte) {
	i := e.s.sub(int(m.Lane) / e.o.Lanes)
	if i < 0 {
		e.sink.Astray++
		return
	}
	k := e.sink
	switch e.s.had[i].Take(m.Lane%uint32(e.o.Lanes), m.Seq, e.place(id)) {
	case account.Doubled:
		k.Doubled++
		return
	case account.Disorder:
		k.Disorder++
	}
	k.Delivered++
	took := e.now - m.At
	times.Note(k.Delivery, took)
	if took > int64(e.o.Late) {
		k.Late++
	}
	if e.o.TraceRatio > 0 && m.Sampled(e.o.TraceRatio) {
		k.slowest.Add(m, took, e.s.number)
	}
}

// control takes up what the hub says of the stream itself.
func (e *ear) control(v *event) {
	var said struct {
		Topic     string
		Reason    string
		Status    int
		Permanent bool
	}
	switch string(v.kind) {
	case "stream.gap":
		e.sink.Gaps++
		_ = json.Unmarshal(v.data, &said) // what cannot be read is a gap in no topic: what is missing is lost
		for i, topic := range e.s.topics {
			if e.o.Topics[topic] == said.Topic {
				e.s.had[i].Gap()
				if said.Reason == "ahead" {
					e.s.had[i].Rewound()
				}
			}
		}
	case "stream.rejected":
		_ = json.Unmarshal(v.data, &said)
		e.sink.refuse(said.Status)
		e.s.final = said.Permanent
	}
}

// place reads an id of the form ms-n, or topic@ms-n,… of several topics; zero
// where it has another.
func (e *ear) place(id []byte) account.ID {
	if len(e.s.topics) > 1 {
		_, id, _ = bytes.Cut(id, []byte("@"))
		id, _, _ = bytes.Cut(id, []byte(","))
	}
	n := len(e.prefix)
	if n == 0 || len(id) <= n || string(id[:n]) != string(e.prefix) {
		n = bytes.IndexByte(id, '-') + 1
		ms, ok := number(id[:max(n-1, 0)])
		if !ok {
			return account.ID{}
		}
		e.prefix, e.ms = append(e.prefix[:0], id[:n]...), ms
	}
	seq, ok := number(id[n:])
	if !ok {
		return account.ID{}
	}
	return account.ID{MS: e.ms, Seq: seq}
}

func number(text []byte) (n uint64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(text) > 0 && len(text) < 20
}
