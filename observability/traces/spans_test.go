package traces

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type text = map[attribute.Key]string

// at is a time after the tests' beginning.
func at(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

// lasts checks when a span began and ended.
func lasts(t *testing.T, s sdktrace.ReadOnlySpan, start, end time.Time) {
	t.Helper()
	if !s.StartTime().Equal(start) || !s.EndTime().Equal(end) {
		t.Errorf("%s lasts from %v to %v, want %v to %v", s.Name(), s.StartTime(), s.EndTime(), start, end)
	}
}

// linked checks what a span is linked to.
func linked(t *testing.T, s sdktrace.ReadOnlySpan, to ...Ref) {
	t.Helper()
	var got []Ref
	for _, l := range s.Links() {
		got = append(got, refOf(l.SpanContext))
	}
	if !slices.Equal(got, to) {
		t.Errorf("%s is linked to %v, want %v", s.Name(), got, to)
	}
}

func TestConnectSpan(t *testing.T) {
	tracing, recorder := recorded(t, sampling(0))
	in := tracing.Request(header("Traceparent", sampledBy, "Tracestate", "vendor=1"))
	_, c := tracing.Connect(t.Context(), in, "canary", began)
	early := c.Ref()
	late := c.End(Connect{
		End: at(0.25), Method: "GET", Route: "/v1/events", Protocol: "1.1", Status: 200, Remote: "[::ffff:192.0.2.7]:5123",
		Topics: []string{"orders", "payments"}, Outcomes: []string{"replay", "live"}, ConnectionID: "n1-abc", Release: "canary", Transport: "http1",
	})
	tracing.Replay(late, Replay{Start: at(0.1), End: at(9), Topic: "orders", Tier: "store", Outcome: "replay", Events: 17})
	if early != late || !late.Sampled || late.TraceID() != callerID {
		t.Errorf("the connect is %+v, and was %+v", late, early)
	}
	s := one(t, recorder, SpanConnect)
	lasts(t, s, began, at(0.25))
	wants(t, s, text{
		"http.request.method": "GET", "http.route": "/v1/events", "http.response.status_code": "200", "network.protocol.version": "1.1",
		"client.address": "192.0.2.7", "client.port": "5123", "sse.topics": `["orders","payments"]`, "sse.outcomes": `["replay","live"]`,
		"sse.connection.id": "n1-abc", "sse.release": "canary", "sse.transport": "http1", "sse.kept": "", "sse.slow": "", "error.type": "",
	})
	if s.SpanKind() != trace.SpanKindServer || s.Status().Code != codes.Unset || s.Parent().SpanID().String() != callerSpan ||
		!s.Parent().IsRemote() || s.SpanContext().TraceState().String() != "vendor=1" {
		t.Errorf("kind %v, status %v, parent %+v, state %v", s.SpanKind(), s.Status(), s.Parent(), s.SpanContext().TraceState())
	}
	r := one(t, recorder, SpanReplay)
	lasts(t, r, at(0.1), at(9))
	wants(t, r, text{"messaging.destination.name": "orders", "sse.tier": "store", "sse.outcome": "replay", "sse.events": "17"})
	if refOf(r.Parent()) != late || r.SpanKind() != trace.SpanKindInternal {
		t.Errorf("the replay's parent is %+v, its kind %v", r.Parent(), r.SpanKind())
	}
}

// Connects that were not chosen are kept where they failed or were slow.
func TestConnectIsKept(t *testing.T) {
	for _, row := range []struct {
		connect Connect
		kept    bool
		status  codes.Code
		say     text
	}{
		{Connect{End: at(0.9), Status: 200}, false, 0, nil},
		{Connect{End: at(0.9), Status: 429}, false, 0, nil},
		{Connect{End: at(1), Status: 200}, true, codes.Unset, text{"sse.slow": "true", "sse.kept": "true", "error.type": ""}},
		{Connect{End: at(0.1), Status: 504}, true, codes.Error, text{"sse.slow": "", "sse.kept": "true", "error.type": "504"}},
		{Connect{End: at(0.1), Status: 500, Problem: "store"}, true, codes.Error, text{"error.type": "store"}},
		{Connect{End: at(0.1), Status: 200, Err: errors.New("reset \xff")}, true, codes.Error, text{"error.type": "*errors.errorString"}},
	} {
		for _, from := range []string{"", notSampledBy} {
			tracing, recorder := recorded(t, sampling(0))
			in := tracing.Request(header("Traceparent", from))
			_, c := tracing.Connect(t.Context(), in, "", began)
			ref := c.End(row.connect)
			tracing.Replay(ref, Replay{Start: began, End: at(2)})
			if got := len(recorder.Ended()); got != map[bool]int{true: 2}[row.kept] || ref.Sampled != row.kept {
				t.Fatalf("%+v: %d spans, %+v", row.connect, got, ref)
			}
			if early := c.Ref(); early.ID != ref.ID || early.Span != ref.Span || ref.TraceID() != in.TraceID() {
				t.Errorf("%+v: the connect is %+v, and was %+v in %s", row.connect, ref, early, in.TraceID())
			}
			if !row.kept {
				continue
			}
			s := one(t, recorder, SpanConnect)
			lasts(t, s, began, row.connect.End)
			wants(t, s, row.say)
			if s.Status().Code != row.status || s.Status().Code == codes.Error && s.Status().Description == "" ||
				!s.SpanContext().IsSampled() || refOf(s.SpanContext()) != ref || s.Parent().IsValid() != (from != "") {
				t.Errorf("%+v: status %+v, parent %+v", row.connect, s.Status(), s.Parent())
			}
			if strings.Contains(s.Status().Description, "\xff") {
				t.Errorf("the description %q cannot be sent", s.Status().Description)
			}
		}
	}
}

func TestClientAddressHoldsNoSecrets(t *testing.T) {
	for remote, want := range map[string]text{
		"192.0.2.7:80":                     {"client.address": "192.0.2.7", "client.port": "80"},
		"192.0.2.7":                        {"client.address": "192.0.2.7", "client.port": ""},
		"[fe80::1%eth0]:80":                {"client.address": "fe80::1", "client.port": "80"},
		"user:password@192.0.2.7":          {"client.address": "", "client.port": ""},
		"192.0.2.7:80?access_token=secret": {"client.address": "", "client.port": ""},
		"":                                 {"client.address": "", "client.port": ""},
	} {
		tracing, recorder := recorded(t, sampling(1))
		_, c := tracing.Connect(t.Context(), tracing.Request(nil), "", began)
		c.End(Connect{End: began, Remote: remote})
		wants(t, one(t, recorder, SpanConnect), want)
	}
}

func TestPublishSpan(t *testing.T) {
	tracing, recorder := recorded(t, sampling(1))
	in := tracing.Request(header("Traceparent", sampledBy))
	_, p := tracing.Publish(t.Context(), in, "stable", began)
	event := p.Traceparent()
	p.End(Published{End: at(0.1), Topic: "orders", ID: "7-0", Bytes: 128, Batch: 3, Outcome: "accepted"})
	s := one(t, recorder, SpanPublish)
	if want := "00-" + callerID + "-" + s.SpanContext().SpanID().String() + "-01"; event != want {
		t.Errorf("the event says %q, want %q", event, want)
	}
	if s.SpanKind() != trace.SpanKindProducer || s.Status().Code != codes.Unset || s.Parent().SpanID().String() != callerSpan {
		t.Errorf("kind %v, status %v, parent %+v", s.SpanKind(), s.Status(), s.Parent())
	}
	lasts(t, s, began, at(0.1))
	wants(t, s, text{
		"messaging.system": "sluice", "messaging.operation.name": "publish", "messaging.operation.type": "send",
		"messaging.destination.name": "orders", "messaging.message.id": "7-0", "messaging.message.body.size": "128",
		"messaging.batch.message_count": "3", "sse.outcome": "accepted", "error.type": "",
	})

	tracing.Fanout(Fanout{Traceparent: event, Start: at(0.05), End: at(0.2), Topic: "orders", ID: "7-0", Connections: 1000, Bytes: 99, Lag: 20 * time.Millisecond, Stalled: 2})
	f := one(t, recorder, SpanFanout)
	if refOf(f.Parent()) != p.Ref() {
		t.Errorf("the fan-out's parent is %+v, want %+v", f.Parent(), p.Ref())
	}
	lasts(t, f, at(0.05), at(0.2))
	wants(t, f, text{
		"messaging.destination.name": "orders", "messaging.message.id": "7-0", "messaging.operation.name": "fanout",
		"sse.fanout.connections": "1000", "sse.fanout.bytes": "99", "sse.fanout.lag_seconds": "0.02", "sse.fanout.stalled": "2",
	})
	for _, none := range []string{"", "nonsense", notSampledBy} {
		tracing.Fanout(Fanout{Traceparent: none})
	}
	if n := len(named(recorder, SpanFanout)); n != 1 {
		t.Errorf("%d fan-outs, want 1", n)
	}
}

func TestPublishThatFails(t *testing.T) {
	tracing, recorder := recorded(t, sampling(1))
	_, p := tracing.Publish(t.Context(), tracing.Request(nil), "", began)
	p.End(Published{End: began, Topic: "orders", Outcome: "failed", Err: context.DeadlineExceeded})
	s := one(t, recorder, SpanPublish)
	if s.Status().Code != codes.Error || s.Status().Description != context.DeadlineExceeded.Error() || s.Parent().IsValid() {
		t.Errorf("status %+v, parent %+v", s.Status(), s.Parent())
	}
	wants(t, s, text{"sse.outcome": "failed", "messaging.message.id": "", "error.type": "context.deadlineExceededError"})
}

func TestPublishThatIsNotChosen(t *testing.T) {
	tracing, recorder := recorded(t, sampling(0))
	for _, h := range []string{"", notSampledBy} {
		_, p := tracing.Publish(t.Context(), tracing.Request(header("Traceparent", h)), "stable", began)
		if p.Traceparent() != "" {
			t.Errorf("the event says %q", p.Traceparent())
		}
		p.End(Published{End: began, Err: errors.New("no")})
	}
	if n := len(recorder.Ended()); n != 0 {
		t.Errorf("%d spans were made", n)
	}
}

func TestDeliverSpan(t *testing.T) {
	connect := Ref{ID: newTraceID(), Span: newSpanID(), Sampled: true}
	publish, _ := ParseRef(sampledBy)
	tracing, recorder := recorded(t, sampling(0))
	tracing.Deliver(Delivery{
		Traceparent: sampledBy, Connect: connect, Start: began, End: at(3), Topic: "orders", ID: "7-0", ConnectionID: "n1-abc", Release: "stable",
		Slow: true, Failed: "write_timeout", Err: errors.New("broken pipe"),
	})
	s := one(t, recorder, SpanDeliver)
	if s.SpanKind() != trace.SpanKindConsumer || s.Parent().IsValid() || !s.SpanContext().IsSampled() || s.SpanContext().TraceID().String() == callerID {
		t.Errorf("kind %v, parent %+v, %+v", s.SpanKind(), s.Parent(), s.SpanContext())
	}
	linked(t, s, publish, connect)
	lasts(t, s, began, at(3))
	wants(t, s, text{
		"messaging.operation.type": "process", "messaging.destination.name": "orders", "messaging.message.id": "7-0",
		"sse.connection.id": "n1-abc", "sse.release": "stable", "sse.slow": "true", "error.type": "write_timeout",
	})
	if s.Status().Code != codes.Error || s.Status().Description != "broken pipe" {
		t.Errorf("status %+v", s.Status())
	}
	recorder.Reset()
	tracing.Deliver(Delivery{Traceparent: notSampledBy, Connect: Ref{ID: connect.ID, Span: connect.Span}, Start: began, End: at(1)})
	linked(t, one(t, recorder, SpanDeliver))
}

func TestCloseSpan(t *testing.T) {
	connect := Ref{ID: newTraceID(), Span: newSpanID(), Sampled: true}
	for _, row := range []struct {
		reason        string
		err           error
		sampled, kept bool
		status        codes.Code
	}{
		{"client", nil, true, true, codes.Unset},
		{"client", nil, false, false, 0},
		{"drain", nil, false, false, 0},
		{"write_timeout", nil, true, true, codes.Error},
		{"write_timeout", nil, false, true, codes.Error},
		{"pong_timeout", nil, false, true, codes.Error},
		{"memory", nil, false, true, codes.Error},
		{"error", errors.New("broken"), false, true, codes.Error},
	} {
		tracing, recorder := recorded(t, sampling(0))
		connect.Sampled = row.sampled
		tracing.Disconnect(Close{
			Connect: connect, Opened: began, Closed: at(90), ConnectionID: "n1-abc", Release: "stable", Topics: []string{"orders"},
			Reason: row.reason, Events: 3, Bytes: 999, Err: row.err,
		})
		if got := len(recorder.Ended()) == 1; got != row.kept {
			t.Errorf("%+v: kept: %t", row, got)
		}
		if !row.kept {
			continue
		}
		s := one(t, recorder, SpanClose)
		wants(t, s, text{"sse.reason": row.reason, "sse.connection.age_seconds": "90", "sse.events": "3", "sse.bytes": "999", "sse.connection.id": "n1-abc", "sse.topics": `["orders"]`})
		lasts(t, s, at(90), at(90))
		if s.Status().Code != row.status || !s.SpanContext().IsSampled() || s.Parent().IsValid() {
			t.Errorf("%+v: status %+v, %+v", row, s.Status(), s.SpanContext())
		}
		if row.sampled {
			linked(t, s, connect)
		} else {
			linked(t, s)
		}
	}
}
