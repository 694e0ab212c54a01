package traces

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// began is a time that every test can use.
var began = time.Date(2025, 11, 22, 10, 0, 0, 0, time.UTC)

const (
	callerID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerSpan   = "00f067aa0ba902b7"
	sampledBy    = "00-" + callerID + "-" + callerSpan + "-01"
	notSampledBy = "00-" + callerID + "-" + callerSpan + "-00"
)

// recorded starts tracing whose spans stay here. The exporter has to be one
// that can be set up; nothing is sent unless a test takes its time.
func recorded(t testing.TB, o Options) (*Tracing, *tracetest.SpanRecorder) {
	t.Helper()
	tracing, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	recorder := tracetest.NewSpanRecorder()
	tracing.provider.RegisterSpanProcessor(recorder)
	t.Cleanup(func() { tracing.Close(t.Context()) })
	return tracing, recorder
}

// sampling returns options with which spans are sampled, and go nowhere.
func sampling(ratio float64) Options {
	return Options{Exporter: ExporterStdout, Stdout: nowhere{}, Ratio: ratio, Service: "hub"}
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func variables(pairs ...string) func(string) string {
	h := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return h[name] }
}

// also sets one more variable.
func also(getenv func(string) string, name, value string) func(string) string {
	return func(n string) string {
		if n == name {
			return value
		}
		return getenv(n)
	}
}

// said returns a span's attributes as text.
func said(s sdktrace.ReadOnlySpan) map[attribute.Key]string {
	all := map[attribute.Key]string{}
	for _, a := range s.Attributes() {
		all[a.Key] = a.Value.String()
	}
	return all
}

// wants compares some attributes of a span; an empty value means: not there.
func wants(t *testing.T, s sdktrace.ReadOnlySpan, want map[attribute.Key]string) {
	t.Helper()
	got := said(s)
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s is %q, want %q", s.Name(), k, got[k], v)
		}
	}
}

// named returns the spans of a name.
func named(r *tracetest.SpanRecorder, name string) (all []sdktrace.ReadOnlySpan) {
	for _, s := range r.Ended() {
		if s.Name() == name {
			all = append(all, s)
		}
	}
	return all
}

// one returns the span of a name, which there has to be once.
func one(t *testing.T, r *tracetest.SpanRecorder, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	all := named(r, name)
	if len(all) != 1 {
		t.Fatalf("there are %d spans %s, want 1", len(all), name)
	}
	return all[0]
}

// counts are what is told of spans.
type counts struct {
	mu      sync.Mutex
	sent    int
	dropped map[string]int
	failed  []error
}

// tell makes options tell it.
func (c *counts) tell(o Options) Options {
	c.dropped = map[string]int{}
	o.Sent = func(n int) { c.mu.Lock(); c.sent += n; c.mu.Unlock() }
	o.Dropped = func(reason string, n int) { c.mu.Lock(); c.dropped[reason] += n; c.mu.Unlock() }
	o.Failed = func(err error) { c.mu.Lock(); c.failed = append(c.failed, err); c.mu.Unlock() }
	return o
}

func (c *counts) get() (sent int, dropped map[string]int, failed []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dropped = map[string]int{}
	for k, v := range c.dropped {
		dropped[k] = v
	}
	return c.sent, dropped, append([]error(nil), c.failed...)
}

// all returns how many spans were accounted for.
func (c *counts) all() int {
	sent, dropped, _ := c.get()
	for _, n := range dropped {
		sent += n
	}
	return sent
}

// within waits for something that takes real time.
func within(t *testing.T, most time.Duration, what string, try func() error) {
	t.Helper()
	err := fmt.Errorf("not tried")
	for late := time.Now().Add(most); time.Now().Before(late); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: not after %v: %v", what, most, err)
}

// publish makes so many sampled spans.
func publish(t *Tracing, n int) {
	for range n {
		now := time.Now()
		_, p := t.Publish(context.Background(), t.Request(header("Traceparent", sampledBy)), "stable", now)
		p.End(Published{End: now.Add(time.Millisecond), Topic: "orders", ID: "1-0", Bytes: 5, Outcome: "accepted"})
	}
}
