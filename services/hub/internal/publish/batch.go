package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// Bounds of a batch. Beyond them nothing of it is published.
const (
	maxBatch      = 1000 // events
	maxBatchBytes = 8 << 20
)

// batch is the events of one request, in their order.
type batch []offer

// offer is one event of a batch and what became of it.
type offer struct {
	event   incoming
	receipt eventlog.Receipt
	why     *sse.Rejection // it was not published; nil: it was
}

func tooMany() *sse.Rejection {
	return &sse.Rejection{Status: 413, Type: "batch-too-large", Title: "Too large",
		Detail: fmt.Sprintf("a batch may have at most %d events", maxBatch)}
}

// publishBatch publishes every event of a body that is fit for it, and answers
// for each with a line. It refuses only what is wrong with the whole.
func (p *Publisher) publishBatch(w http.ResponseWriter, r *http.Request, topic, subject string, form form, buf *front.Buffer) *sse.Rejection {
	given, why := parametersOf(r)
	if why == nil {
		why = given.check(form)
	}
	if why == nil {
		// The whole body first: a batch that is too large leaves nothing behind.
		why = p.Front.Bodies.Read(w, r, buf, front.Bound{Bytes: maxBatchBytes, Problem: "batch-too-large", What: "a batch"})
	}
	if why != nil {
		return why
	}
	var b batch
	if form == cloudBatchForm {
		b, why = cloudEventsOf(buf.Data)
	} else {
		b, why = p.linesOf(buf.Data, given.idempotencyKey)
	}
	if why != nil {
		return why
	}
	if wait, ok := p.rate.Take(front.CallerOf(r).Address, len(b)); !ok {
		return tooFast(wait)
	}
	if why := p.appendBatch(r, topic, subject, b); why != nil {
		return why
	}
	p.answerBatch(w, topic, b)
	return nil
}

// appendBatch appends what is fit for it. They are committed in one step, and
// their ids rise in their order. Where nothing could be tried it says why.
func (p *Publisher) appendBatch(r *http.Request, topic, subject string, b batch) *sse.Rejection {
	ctx, cancel, span := p.appending(r)
	defer cancel()
	traceparent, bytes := span.Traceparent(), 0
	entries := make([]eventlog.Entry, 0, len(b))
	for i := range b {
		o := &b[i]
		if o.why == nil {
			o.why = p.check(&o.event)
		}
		if o.why == nil {
			entries = append(entries, o.event.entry(subject, traceparent))
			bytes += len(o.event.data)
		}
	}
	asked := time.Now()
	results, err := p.appendAll(ctx, topic, entries)
	if err != nil {
		p.appended(r, span, topic, appended{batch: len(b), bytes: bytes, asked: asked, err: err})
		return front.RejectionOf(err)
	}
	failures := 0
	var failure error
	var last eventlog.Receipt
	for i := range b {
		o := &b[i]
		if o.why != nil {
			continue
		}
		o.receipt = results[0].Receipt
		if err := results[0].Err; err != nil {
			if o.why = front.RejectionOf(err); o.why.Status >= 500 {
				failure = err
				failures++
			}
		} else {
			last = o.receipt
		}
		results = results[1:]
	}
	p.appended(r, span, topic, appended{last, bytes, len(b), asked, failure})
	if failures > 0 {
		p.logFailure(r, topic, front.RejectionOf(failure).Status, fmt.Errorf("%d of %d events of a batch: %w", failures, len(b), failure))
	}
	return nil
}

// line is the answer for one event of a batch.
type line struct {
	Line      int    `json:"line"` // from 1, blank lines not counted
	Status    int    `json:"status"`
	ID        string `json:"id,omitempty"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Type      string `json:"type,omitempty"` // of a problem
	Detail    string `json:"detail,omitempty"`
}

func (o *offer) answer(number int) line {
	switch {
	case o.why != nil:
		return line{Line: number, Status: o.why.Status, Type: sse.ProblemTypePrefix + o.why.Type, Detail: o.why.Detail}
	case o.receipt.Duplicate:
		return line{Line: number, Status: http.StatusOK, ID: o.receipt.ID.String(), Duplicate: true}
	}
	return line{Line: number, Status: http.StatusCreated, ID: o.receipt.ID.String()}
}

// answerBatch counts the events and answers with a line for each.
func (p *Publisher) answerBatch(w http.ResponseWriter, topic string, b batch) {
	var answer bytes.Buffer
	lines := json.NewEncoder(&answer)
	lines.SetEscapeHTML(false)
	for i := range b {
		if why := b[i].why; why != nil {
			p.countRefusal(topic, why)
		} else {
			p.countReceipt(topic, b[i].receipt, len(b[i].event.data))
		}
		// A buffer takes everything, and a line is nothing that JSON can't say.
		_ = lines.Encode(b[i].answer(i + 1))
	}
	w.Header()["Content-Type"] = linesHeader
	// A caller that is gone has its events in the log all the same.
	_, _ = w.Write(answer.Bytes())
}

var linesHeader = []string{linesType}
