package publishers

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/mark"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// publisher is one connection and its lanes, owned by its goroutine.
type publisher struct {
	set    *Set
	lane   int
	lanes  ledger
	conn   conn
	random *rand.Rand

	marked        []mark.Mark // of the request
	body, request []byte
	answer        []byte
	key           []byte
	taken         []bool // by event: it is in the log
}

// run publishes what is in line, until there is nothing more.
func (p *publisher) run(ctx context.Context, l *line, batch int) {
	for ctx.Err() == nil {
		a, ok := l.take()
		if !ok {
			return
		}
		if a.at.IsZero() { // closed loop
			a.at = time.Now()
		}
		if !p.publish(ctx, a, batch) {
			return
		}
	}
}

// publish publishes one request's events and settles what became of them. It
// reports whether somebody knows: after what nobody knows the lane has no next
// number.
func (p *publisher) publish(ctx context.Context, a arrival, n int) bool {
	marks := p.marks(a, n)
	p.compose(a.topic, marks)
	first := marks[0].Seq
	var failed time.Time
	for failures := 0; ; failures++ {
		answer, err := p.conn.ask(ctx, p.request, p.answer)
		p.answer = answer.body
		if err == nil && p.settle(a, first, n, answer) {
			return true
		}
		if failures == 0 {
			failed = time.Now()
		}
		p.count(func(k *sink) { k.Again++ })
		if time.Since(failed) > p.set.o.Patience || !times.Until(ctx, time.Now().Add(p.pause(failures))) {
			p.lanes[a.topic].Doubt = first + uint32(n) - 1
			p.count(func(k *sink) { k.Unknown += uint64(n) })
			return false
		}
	}
}

// pause is between two attempts: short, as a publisher that holds up its callers
// would have it.
func (p *publisher) pause(failures int) time.Duration {
	most := 50 * time.Millisecond << min(failures, 4)
	return most/2 + time.Duration(p.random.Int64N(int64(most)))
}

func (p *publisher) count(f func(*sink)) {
	k := &p.set.sink
	k.mu.Lock()
	defer k.mu.Unlock()
	f(k)
}

// compose makes the request of a batch, or of a single event.
func (p *publisher) compose(topic int, marks []mark.Mark) {
	o := &p.set.o
	p.body = p.body[:0]
	head := " HTTP/1.1\r\nHost: " + p.conn.hub.Host + "\r\nUser-Agent: sluice-loadtest" + o.Header
	if o.Token != "" {
		head += "\r\nAuthorization: Bearer " + o.Token
	}
	if len(marks) > 1 {
		head += "\r\nContent-Type: application/x-ndjson"
		for _, m := range marks {
			p.body = append(p.body, `{"type":"`...)
			p.body = append(p.body, o.Type...)
			p.body = append(p.body, `","data":`...)
			p.body = mark.Append(p.body, m, o.Size(p.random))
			p.body = append(p.body, "}\n"...)
		}
	} else {
		if o.Type != "" {
			head += "\r\nX-Event-Type: " + o.Type
		}
		p.body = mark.Append(p.body, marks[0], o.Size(p.random))
		if o.Wrap != nil {
			p.body = o.Wrap(o.Topics[topic], p.body)
		}
	}
	m := marks[0]
	p.key = mark.Digits(p.key[:0], m.Run)
	p.key = mark.Digits(append(p.key, '-'), m.Lane)
	p.key = mark.Digits(append(p.key, '-'), m.Seq)
	p.key = mark.Digits(append(p.key, '-'), uint32(m.At)) // a number that was refused is used again
	trace := ""
	if o.TraceRatio > 0 {
		trace = mark.Traceparent(m.Trace(), m.Sampled(o.TraceRatio))
	}
	p.request = appendRequest(p.request[:0], p.set.paths[topic], head, p.key, trace, p.body)
}

// settle takes up an answer, and reports whether it says of all events what
// became of them.
func (p *publisher) settle(a arrival, first uint32, n int, ans answer) bool {
	all := verdicts(ans, n)
	if slices.ContainsFunc(all, func(v verdict) bool { return v.status >= 500 }) {
		return false
	}
	took := int64(time.Since(a.at))
	p.taken = p.taken[:0]
	p.count(func(k *sink) {
		k.Requests++
		before := k.Accepted
		for _, v := range all {
			ok := v.status < 300
			p.taken = append(p.taken, ok)
			if !ok {
				k.refuse(v.status, 1)
				continue
			}
			k.Accepted++
			if v.duplicate {
				k.Duplicates++
			}
		}
		if k.Accepted > before {
			times.Note(k.publish, took)
		}
	})
	p.lanes.settle(a.topic, first, p.taken)
	return true
}

// verdict is what an answer says of an event.
type verdict struct {
	status    int
	duplicate bool
}

var duplicate = []byte(`"duplicate":true`)

// verdicts returns what an answer says of each event: by its status, or, where it
// answers a batch, by its lines.
func verdicts(a answer, n int) []verdict {
	all := make([]verdict, n)
	if n == 1 || a.status != http.StatusOK {
		for i := range all {
			all[i] = verdict{a.status, bytes.Contains(a.body, duplicate)}
		}
		return all
	}
	i := 0
	for line := range bytes.Lines(a.body) {
		if i == n {
			break
		}
		all[i] = verdict{statusIn(line), bytes.Contains(line, duplicate)}
		i++
	}
	for ; i < n; i++ { // an answer that says nothing of an event leaves it open
		all[i].status = http.StatusBadGateway
	}
	return all
}

// statusIn reads {"status":201,…}; 502 where there is none.
func statusIn(line []byte) int {
	_, rest, _ := bytes.Cut(line, []byte(`"status":`))
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	status, err := strconv.Atoi(string(rest[:end]))
	if err != nil {
		return http.StatusBadGateway
	}
	return status
}
