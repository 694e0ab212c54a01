package traces

import (
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// One publish to any number of streams, however its deliveries go and whenever
// they come, makes a bounded number of spans.
func TestSpansOfOnePublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracing, recorder := recorded(t, sampling(1))
		_, p := tracing.Publish(t.Context(), tracing.Request(nil), "stable", time.Now())
		event, appended := p.Traceparent(), time.Now()
		p.End(Published{End: time.Now(), Topic: "orders", ID: "1-0", Store: "disk", Asked: appended})
		for range 100 {
			for range 1000 { // streams, and as many are slow and fail
				d := Delivery{Traceparent: event, Start: appended, End: time.Now(), Topic: "orders", ID: "1-0"}
				tracing.Deliver(d)
				d.Slow = true
				tracing.Deliver(d)
				d.Failed = "write_timeout"
				tracing.Deliver(d)
				tracing.Fanout(Fanout{Traceparent: event, Start: appended, End: time.Now(), Connections: 100_000})
			}
			time.Sleep(time.Second)
			// Others meanwhile, as many as there may be.
			for range 200 {
				other := Ref{ID: newTraceID(), Span: newSpanID(), Sampled: true}
				tracing.Deliver(Delivery{Traceparent: other.Traceparent(), Start: time.Now(), End: time.Now()})
				tracing.Deliver(Delivery{Traceparent: other.Traceparent(), Start: time.Now(), End: time.Now(), Slow: true})
			}
		}
		if got := ofPublish(recorder, p.Ref()); got != SpansPerPublish {
			t.Errorf("a publish made %d spans, want %d", got, SpansPerPublish)
		}
	})
}

// ofPublish counts a publish's span, those below it and those linked to it.
func ofPublish(recorder *tracetest.SpanRecorder, publish Ref) (n int) {
	for _, s := range recorder.Ended() {
		ours := refOf(s.SpanContext()) == publish || refOf(s.Parent()) == publish
		for _, l := range s.Links() {
			ours = ours || refOf(l.SpanContext) == publish
		}
		if ours {
			n++
		}
	}
	return n
}

// The longest delivery's time is shorter than what is remembered.
func TestDeliversAreRemembered(t *testing.T) {
	most := DeliversPerSecond * (1 + int(LongestDelivery/time.Second))
	if most >= remembered {
		t.Errorf("%d publishes can have deliveries in %v, but %d are remembered", most, LongestDelivery, remembered)
	}
	var all tallies
	for range 2 * remembered {
		all.add(Ref{ID: newTraceID(), Span: newSpanID(), Sampled: true})
	}
	if len(all.of) != remembered || len(all.latest) != remembered {
		t.Errorf("%d and %d are held, want %d", len(all.of), len(all.latest), remembered)
	}
}

// Each kind of span that the sampler did not choose has its own bound.
func TestSpansPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracing, recorder := recorded(t, sampling(0))
		const seconds = 10
		for range seconds * 10 {
			for range 100 {
				now := time.Now()
				_, c := tracing.Connect(t.Context(), tracing.Request(nil), "", now)
				c.End(Connect{End: now, Status: 500})
				tracing.Deliver(Delivery{Start: now, End: now})
				tracing.Deliver(Delivery{Start: now, End: now, Slow: true})
				tracing.Disconnect(Close{Reason: "memory"})
			}
			time.Sleep(time.Second / 10)
		}
		for name, perSecond := range map[string]int{
			SpanConnect: KeptConnectsPerSecond, SpanDeliver: DeliversPerSecond, SpanClose: FaultyClosesPerSecond,
		} {
			if got := len(named(recorder, name)); got > perSecond*(seconds+1) || got < perSecond*seconds {
				t.Errorf("%d spans %s in %d s, want %d a second", got, name, seconds, perSecond)
			}
		}
		slow := 0
		for _, s := range named(recorder, SpanDeliver) {
			if said(s)["sse.slow"] == "true" {
				slow++
			}
		}
		if got := len(named(recorder, SpanDeliver)) - slow; slow != got {
			t.Errorf("%d slow deliveries and %d others", slow, got)
		}
	})
}

// A delivery that took too long is not traced, since nobody knows any more how
// many were.
func TestLongestDelivery(t *testing.T) {
	tracing, recorder := recorded(t, sampling(1))
	tracing.Deliver(Delivery{Start: began, End: began.Add(LongestDelivery + 1), Slow: true})
	if n := len(recorder.Ended()); n != 0 {
		t.Errorf("%d spans", n)
	}
	tracing.Deliver(Delivery{Start: began, End: began.Add(LongestDelivery), Slow: true})
	one(t, recorder, SpanDeliver)
}
