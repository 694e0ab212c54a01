package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/target"
	"github.com/sluice-stream/sluice/services/client"
)

// errEnough is why a reader leaves of its own.
var errEnough = errors.New("enough was read")

// reader is one that reads with the client package.
type reader struct {
	o      client.Options
	enjoys func(client.Event) bool // false: it leaves; nil: it stays
	live   bool                    // it leaves when it has caught up
}

// read reads until the reader leaves, ctx ends, or the hub refuses for good.
// It returns the last id. All its streams are opened in one trace.
func (d *demo) read(ctx context.Context, r reader) (last string, err error) {
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	o := r.o
	o.Spare, o.BufferBytes = -1, 512<<10
	o.Header = o.Header.Clone()
	if o.Header == nil {
		o.Header = http.Header{}
	}
	trace := target.NewTrace(d.ratio)
	o.Header.Set("Traceparent", trace.Header)
	tell := func(s client.State) {
		d.tell(trace, "sse_connect", "reading", s.Err, "topic", strings.Join(o.Topics, ","), "connection_id", s.Connection)
	}
	o.OnState = func(s client.State) {
		switch s.Phase {
		case client.Open:
			tell(s)
		case client.Live:
			if d.health.note(nil); r.live {
				leave(errEnough)
			}
		case client.Waiting:
			if s.Failures > 0 { // a stream that ends is no failure, one that can't be had is
				tell(s)
				d.health.note(in(trace, s.Err))
			}
		}
	}
	last = o.LastEventID
	for e, err := range d.hub.Subscribe(ctx, o) {
		if err != nil {
			if errors.Is(err, errEnough) || errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			return last, in(trace, err)
		}
		if last = e.ID; r.enjoys != nil && !r.enjoys(e) {
			return last, nil
		}
	}
	return last, nil
}

func release(name string) http.Header { return http.Header{"X-Release-Version": {name}} }

// readers are those that behave.
func (d *demo) readers() []actor {
	var all []actor
	for _, o := range []client.Options{
		{Topics: []string{"orders.eu", "orders.us"}, Header: release("stable")},
		{Topics: []string{"orders.eu", "orders.us", "payments.card", "chat.lobby"}, Header: release("stable"), Pong: true},
		{Topics: []string{"payments.card"}, Header: release("stable"), Pong: true, ClientID: "demo-till"},
		{Topics: []string{"payments.card"}, Header: release("canary"), Pong: true},
		{Topics: []string{"chat.lobby"}, Header: release("canary")},
		{Topics: []string{"chat.lobby"}},
	} {
		all = append(all, actor{time.Second, func(ctx context.Context) error {
			_, err := d.read(ctx, reader{o: o})
			return err
		}})
	}
	for range 3 {
		all = append(all, d.comesAndGoes())
	}
	return append(all,
		actor{20 * time.Second, func(ctx context.Context) error { // who reads what there was
			left := 2000
			_, err := d.read(ctx, reader{live: true, o: client.Options{Topics: []string{"chat.lobby"}, LastEventID: "0"},
				enjoys: func(client.Event) bool { left--; return left > 0 }})
			return err
		}},
		actor{4 * time.Second, d.score})
}

// comesAndGoes is a reader that is often away, and resumes where it was.
func (d *demo) comesAndGoes() actor {
	last := ""
	names := []string{"stable", "canary"}
	return actor{3 * time.Second, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second+rand.N(15*time.Second))
		defer cancel()
		o := client.Options{Topics: []string{"orders.eu", "payments.card"}, LastEventID: last, Header: release(names[rand.IntN(2)])}
		at, err := d.read(ctx, reader{o: o})
		last = at
		return err
	}}
}

// score asks the hub how well this client is served.
func (d *demo) score(ctx context.Context) error {
	r, err := d.hub.Request(ctx, http.MethodHead, "/", "")
	if err != nil {
		return err
	}
	r.Header.Set("X-Heartbeat", "true")
	return d.ask(r, http.StatusOK)
}

// ask makes a request whose answer has the given status.
func (d *demo) ask(r *http.Request, status int) error {
	answer, err := d.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // for the connection's next request
	if answer.StatusCode != status {
		return fmt.Errorf("%s %s was answered %s, want %d", r.Method, r.URL.Path, answer.Status, status)
	}
	return nil
}
