package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Bounds of a batch, which are the hub's.
const (
	maxBatchLines = 1000
	maxBatchBytes = 8 << 20
	// maxBatchAnswer is far more than a hub says of so many lines.
	maxBatchAnswer = 4 << 20
)

// Result is what became of one event of a batch.
type Result struct {
	Receipt
	Err error // as of [Publisher.Publish]
}

// PublishBatch publishes events, in as few requests as the hub's bounds allow:
// 1,000 events or 8 MiB each. There is a result for each event, in order, and
// an error where any of them has one. An event that the hub refuses spoils no
// other. What failed for the moment is sent again, without the rest, and comes
// behind what was in the log by then; each event is published once. When a
// request as a whole is refused for good, or the context ends, no more are
// made.
func (p *Publisher) PublishBatch(ctx context.Context, topic string, messages []Message) ([]Result, error) {
	b := &batch{p: p, topic: topic, results: make([]Result, len(messages))}
	for i, m := range messages {
		if m.IdempotencyKey == "" {
			m.IdempotencyKey = rand.Text()
		}
		b.results[i].Receipt = Receipt{Topic: topic, IdempotencyKey: m.IdempotencyKey}
		l, err := encodeLine(topic, m)
		if err != nil {
			b.results[i].Err = err
			continue
		}
		if len(b.lines) == maxBatchLines || b.bytes+len(l) > maxBatchBytes {
			b.send(ctx)
		}
		b.lines = append(b.lines, line{i, l})
		b.bytes += len(l)
	}
	b.send(ctx)
	return b.results, b.error()
}

// line is an event that is to be sent.
type line struct {
	event int // its place among all
	text  []byte
}

func encodeLine(topic string, m Message) ([]byte, error) {
	if err := check(topic, m); err != nil {
		return nil, fmt.Errorf("client: publish to %s: %w", topic, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Type           string `json:"type,omitempty"`
		Key            string `json:"key,omitempty"`
		IdempotencyKey string `json:"idempotency_key"`
		Data           string `json:"data"` // a string is taken as its text, whatever it holds
	}{m.Type, m.Key, m.IdempotencyKey, m.Data})
	if err == nil && b.Len() > maxBatchBytes {
		err = &RejectedError{Status: http.StatusRequestEntityTooLarge, Detail: "larger than a batch may be", Permanent: true}
	}
	return b.Bytes(), err
}

// batch is the sending of many events.
type batch struct {
	p       *Publisher
	topic   string
	results []Result
	lines   []line // of the next request
	bytes   int
	over    error // why no more requests are made
}

// send publishes the lines, however many requests it takes.
func (b *batch) send(ctx context.Context) {
	if b.over == nil && len(b.lines) > 0 {
		b.over = b.p.repeat(ctx, b.topic, func(ctx context.Context) (int, error) {
			err := b.attempt(ctx)
			return len(b.lines), err
		})
	}
	for _, l := range b.lines { // that are left
		b.results[l.event].Err = fmt.Errorf("client: publish to %s: %w", b.topic, b.over)
	}
	b.lines, b.bytes = b.lines[:0], 0
}

// attempt makes one request. What it settles is no longer among the lines; the
// error is why others are.
func (b *batch) attempt(ctx context.Context) error {
	var body bytes.Buffer
	for _, l := range b.lines {
		body.Write(l.text)
	}
	r, err := b.p.request(ctx, b.topic, "application/x-ndjson", bytes.NewReader(body.Bytes()))
	if err != nil {
		return err
	}
	// To net/http: may be sent again where an idle connection turns out to be
	// gone. Each line has a key of its own.
	r.Header["Idempotency-Key"] = nil
	return b.p.do(r, b.settle)
}

// settle reads the answer, which is read to its end before any of it counts.
func (b *batch) settle(body io.Reader) error {
	type answer struct {
		Line      int    `json:"line"`
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate"`
		problem
	}
	answers := make([]answer, len(b.lines))
	d := json.NewDecoder(io.LimitReader(body, maxBatchAnswer))
	for i := range answers {
		a := &answers[i]
		if err := d.Decode(a); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if a.Line != i+1 || a.ID == "" && a.Status < http.StatusBadRequest {
			return errBroken
		}
	}
	var again []line
	var why error
	for i, l := range b.lines {
		a, result := &answers[i], &b.results[l.event]
		result.ID, result.Duplicate = a.ID, a.Duplicate
		if a.ID != "" {
			continue
		}
		refused := &RejectedError{Status: a.Status, Type: a.Type, Detail: a.Detail, Permanent: !worthRepeating(a.Status)}
		if refused.Permanent {
			result.Err = fmt.Errorf("client: publish to %s: %w", b.topic, refused)
		} else {
			again, why = append(again, l), refused
		}
	}
	b.lines = again
	return why
}

// error sums up the results.
func (b *batch) error() error {
	failed, first := 0, error(nil)
	for i := range b.results {
		if err := b.results[i].Err; err != nil {
			failed++
			if first == nil {
				first = err
			}
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d events were not published: %w", failed, len(b.results), first)
}
