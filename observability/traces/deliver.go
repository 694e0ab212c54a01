package traces

import (
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Delivery is an event on its way to one stream.
type Delivery struct {
	Traceparent  string // the event's
	Connect      Ref    // of the stream
	Start, End   time.Time
	Topic        string
	ID           string
	ConnectionID string
	Release      string
	Slow         bool
	Failed       string // why the stream ended before it; else empty
	Err          error  // says more
}

// Deliver makes an sse.deliver, which begins a trace of its own that is always
// sampled and is linked to the publish and the connect, where these were. It
// does not where too many would be made: [DeliversPerSecond],
// [DeliversPerPublish]; or where the delivery took longer than
// [LongestDelivery].
func (t *Tracing) Deliver(d Delivery) {
	publish, _ := ParseRef(d.Traceparent)
	if t.sampler.never || !t.budget.deliver(publish, d) {
		return
	}
	a := messaging("deliver", semconv.MessagingOperationTypeProcess, d.Topic, d.ID)
	a.text(connectionKey, d.ConnectionID)
	a.text(releaseKey, d.Release)
	if d.Slow {
		a.add(slowKey.Bool(true))
	}
	t.root(made{
		name: SpanDeliver, kind: trace.SpanKindConsumer, start: d.Start, end: d.End,
		attributes: a, links: linksTo(publish, d.Connect), err: d.Err, what: d.Failed,
	})
}

// Close is the end of a stream.
type Close struct {
	Connect        Ref
	Opened, Closed time.Time
	ConnectionID   string
	Release        string
	Topics         []string
	Reason         string // as metrics have it
	Events, Bytes  uint64 // that were sent
	Err            error
}

// fault reports whether a stream ended by what should not happen.
func (c *Close) fault() bool {
	switch c.Reason {
	case "write_timeout", "pong_timeout", "memory", "error":
		return true
	}
	return c.Err != nil
}

// Disconnect makes an sse.close, which begins a trace of its own and is linked to
// the connect. It does where the connect was kept, and of other streams where
// they ended by a fault, [FaultyClosesPerSecond].
func (t *Tracing) Disconnect(c Close) {
	if t.sampler.never || !c.Connect.Sampled && !(c.fault() && t.budget.closes.Allow()) {
		return
	}
	a := make(attributes, 0, 8)
	a.text(connectionKey, c.ConnectionID)
	a.text(releaseKey, c.Release)
	a.texts(topicsKey, c.Topics)
	a.text(reasonKey, c.Reason)
	a.add(ageKey.Float64(c.Closed.Sub(c.Opened).Seconds()), eventsKey.Int64(int64(c.Events)), bytesKey.Int64(int64(c.Bytes)))
	what := ""
	if c.fault() {
		what = c.Reason
	}
	t.root(made{
		name: SpanClose, kind: trace.SpanKindInternal, start: c.Closed, end: c.Closed,
		attributes: a, links: linksTo(c.Connect), err: c.Err, what: what,
	})
}
