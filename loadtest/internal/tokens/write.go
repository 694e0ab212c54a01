package tokens

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// answer is one that is written.
type answer struct {
	load    *Load
	topic   string
	began   time.Time
	tokens  []string
	text    string
	written chan struct{} // closed when all of it is at the hub
}

// line is a token as it goes to the hub. The data says when it came.
type line struct {
	Type string `json:"type"`
	Data token  `json:"data"`
}

type token struct {
	At   int64  `json:"at"` // nanoseconds since the Unix epoch
	Text string `json:"text"`
}

// due is when a token comes.
func (a *answer) due(i int) time.Time {
	return a.began.Add(time.Duration(float64(i+1) / a.load.o.Rate * float64(time.Second)))
}

// write sends batches at their times, and the end of the answer with the last.
func (a *answer) write(ctx context.Context) {
	defer close(a.written)
	o := &a.load.o
	for sent, batch := 0, 1; sent < len(a.tokens); batch++ {
		at := a.began.Add(time.Duration(batch) * o.Each)
		if !times.Until(ctx, at) {
			a.load.count(func() { a.load.pubs.Unsent += uint64(len(a.tokens) - sent) })
			return
		}
		var body strings.Builder
		e := json.NewEncoder(&body)
		n := 0
		for ; sent+n < len(a.tokens) && !a.due(sent+n).After(at); n++ {
			_ = e.Encode(line{"token", token{a.due(sent + n).UnixNano(), a.tokens[sent+n]}}) // it always encodes
		}
		if sent+n == len(a.tokens) {
			_ = e.Encode(line{"end", token{}})
		}
		if body.Len() > 0 && !a.send(ctx, fmt.Sprint("b", batch), body.String(), n, at) {
			a.load.count(func() { a.load.pubs.Unsent += uint64(len(a.tokens) - sent - n) })
			return
		}
		sent += n
	}
}

// send sends a batch until an answer says that all of it is there, and reports
// whether one does.
func (a *answer) send(ctx context.Context, key, body string, tokens int, at time.Time) bool {
	l := a.load
	for late := time.Now().Add(l.o.Patience); ; {
		status, whole := a.post(ctx, key, body)
		switch {
		case whole:
			l.count(func() {
				l.pubs.Requests++
				l.pubs.Accepted += uint64(tokens)
				times.Note(l.publish, int64(time.Since(at)))
			})
			return true
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
			l.count(func() {
				if l.pubs.Refused == nil {
					l.pubs.Refused = map[int]uint64{}
				}
				l.pubs.Refused[status] += uint64(tokens)
			})
			return false
		}
		l.count(func() { l.pubs.Again++ })
		if time.Now().After(late) || !times.Until(ctx, time.Now().Add(100*time.Millisecond)) {
			l.count(func() { l.pubs.Unknown += uint64(tokens) })
			return false
		}
	}
}

// post sends a batch once. whole tells that every line of it was taken.
func (a *answer) post(ctx context.Context, key, body string) (status int, whole bool) {
	r, err := a.load.o.Hub.Request(ctx, http.MethodPost, "/v1/topics/"+a.topic+"/events", body)
	if err != nil {
		return 0, false
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Idempotency-Key", key)
	answer, err := a.load.http.Do(r)
	if err != nil {
		return 0, false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	lines := strings.Count(body, "\n")
	return answer.StatusCode, err == nil && answer.StatusCode == http.StatusOK && strings.Count(string(text), `"id":`) == lines
}
