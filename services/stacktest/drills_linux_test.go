package stacktest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Faults lead to their alerts at Alertmanager, and to their end when the fault
// is over. All share one stack: what goes wrong in one drill must not be
// mistaken for another's.
func testDrills(t *testing.T, s *stack) {
	d := s.drilled(t)
	stop := meanwhile(1, func() { // somebody always publishes
		d.publish(t, "orders.eu", 1000)
		time.Sleep(100 * time.Millisecond)
	})
	defer stop()
	d.fires(t, "Watchdog")
	t.Run("objectives are recorded", func(t *testing.T) { drillObjectives(t, d) })
	t.Run("backends", func(t *testing.T) {
		// While the store has no room of its own yet, to go on in.
		t.Run("store failing", func(t *testing.T) { t.Parallel(); drillStore(t, d) })
		t.Run("Loki down", func(t *testing.T) { t.Parallel(); drillLoki(t, d) })
		t.Run("edge full and slow", func(t *testing.T) { t.Parallel(); drillEdge(t, d) })
	})
	t.Run("readers stalled", func(t *testing.T) { drillReaders(t, d) })
	t.Run("CPU burnt", func(t *testing.T) { drillCPU(t, d) })
	t.Run("readers gone", func(t *testing.T) { d.ends(t, "ReadersBehind", "ReadersLetGo") })
	t.Run("hub killed", func(t *testing.T) { drillKill(t, d, "hub", "HubDown") })
	stop() // nobody but the prober publishes now, and its way is gone
	t.Run("edge killed", func(t *testing.T) { drillKill(t, d, "edge", "EdgeDown") })
}

// The recording rules find in a real hub what they read: all objectives,
// without NaN, and those of classes for each that the stack has.
func drillObjectives(t *testing.T, d *drill) {
	for expr, want := range map[string]string{
		`count(objective:sse_errors:ratio_rate5m{topic_class=""} >= 0)`:                           "5",
		`count(objective:sse_budget_left:ratio_rate3d{topic_class=""} >= 0)`:                      "5",
		`count(objective:sse_budget_left:ratio_rate3d{objective="publish",topic_class!=""} >= 0)`: "4",
		`count(objective:sse_events:rate5m{objective=~"publish|probe",topic_class=""} > 0)`:       "2",
	} {
		eventually(t, firesWithin, expr, func() error { return d.is(expr, want) })
	}
}

func drillStore(t *testing.T, d *drill) {
	empty := d.fill(t)
	defer empty()
	stop := meanwhile(1, func() {
		d.publish(t, "orders.eu", 20_000)
		time.Sleep(50 * time.Millisecond)
	})
	defer stop()
	d.fires(t, "StoreErrors", "BreakerOpen", "PublishSuccessLow", "PublishBudgetBurn", "DeliveryBudgetBurn")
	empty()
	d.ends(t, "StoreErrors", "BreakerOpen", "PublishSuccessLow")
}

func drillLoki(t *testing.T, d *drill) {
	d.must("kill", "loki")
	d.fires(t, "LokiDown", "TelemetryDropped")
	d.must("start", "loki")
	d.ends(t, "LokiDown", "TelemetryDropped")
}

// The edge has no room for another stream, so that those who want one are sent
// away, by no hub's fault; and there are senders that take seconds for a few
// bytes.
func drillEdge(t *testing.T, d *drill) {
	subscribe := func() (stream *http.Response, refused bool) {
		answer, err := ask(t.Context(), "GET", d.edge+"/v1/events?topic=orders.full", "", "Authorization", d.bearer)
		if err != nil {
			return nil, false
		}
		refused = answer.Header.Get("X-Release-Version") == "" // no hub's answer
		if refused {
			answer.Body.Close()
		}
		return answer, refused
	}
	var streams []*http.Response
	leave := sync.OnceFunc(func() {
		for _, s := range streams {
			s.Body.Close()
		}
	})
	defer leave()
	for len(streams) < edgeStreams {
		stream, refused := subscribe()
		if refused {
			break
		}
		if stream != nil {
			streams = append(streams, stream)
		}
	}
	stop := meanwhile(1, func() {
		subscribe()
		time.Sleep(200 * time.Millisecond)
	})
	defer stop()
	unhurried := meanwhile(10, func() { d.publishSlowly(t, "orders.eu", 3*time.Second) })
	defer unhurried()
	d.fires(t, "EdgeFull", "EdgeErrors", "EdgeSlow")
	stop()
	unhurried()
	leave()
	d.ends(t, "EdgeFull", "EdgeErrors", "EdgeSlow")
}

// Readers that never read lag, then they are let go. What fits between the hub
// and them, in nginx and four sockets, does not yet make them late. Their alerts
// end while the next drill goes on.
func drillReaders(t *testing.T, d *drill) {
	const readers, events = 40, 400
	for range readers {
		c, err := net.Dial("tcp", strings.TrimPrefix(d.edge, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		d.t.Cleanup(func() { c.Close() }) // of all drills: they are let go, they do not leave
		c.(*net.TCPConn).SetReadBuffer(4096)
		if _, err := fmt.Fprintf(c, "GET /v1/events?topic=orders.stalled HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n\r\n", d.bearer); err != nil {
			t.Fatal(err)
		}
	}
	open := fmt.Sprintf(`sum(sse_connections) >= bool %d`, readers)
	eventually(t, firesWithin, "streams are open", func() error { return d.is(open, "1") })
	for range events {
		if status := d.publish(t, "orders.stalled", 64<<10); status != http.StatusCreated {
			t.Fatalf("publish: %d", status)
		}
	}
	d.fires(t, "ReadersBehind", "ReadersLetGo")
}

// The hub has a tenth of a core, which any machine can give it, however busy.
func drillCPU(t *testing.T, d *drill) {
	hub := d.inspect("hub").ID
	must(t, "update", "--cpus", "0.1", hub)
	stop := meanwhile(8, func() { d.publish(t, "orders.load", 100) })
	defer stop()
	d.fires(t, "CPUNearQuota")
	stop()
	must(t, "update", "--cpus", "1", hub)
	d.ends(t, "CPUNearQuota")
}

// A part that is killed explains what the prober sees of it.
func drillKill(t *testing.T, d *drill, service, alert string) {
	d.must("kill", service)
	d.fires(t, alert)
	d.explained(t, "ProbesFailing")
	d.must("start", service)
	d.ends(t, alert, "ProbesFailing")
}
