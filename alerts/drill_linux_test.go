package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"
)

// Real faults of a real hub lead to their alerts at Alertmanager, and to their
// end when the fault is over. All share one stack: what goes wrong in one drill
// must not be mistaken for another's.
func TestDrills(t *testing.T) {
	if os.Getenv("SLUICE_DRILLS") != "1" {
		t.Skip("drills take some minutes: set SLUICE_DRILLS=1")
	}
	s := newStack(t)
	stop := meanwhile(1, func() { // somebody always publishes
		s.publish("orders.eu", 1000)
		time.Sleep(100 * time.Millisecond)
	})
	defer stop()
	s.fires(t, "Watchdog")
	t.Run("objectives are recorded", func(t *testing.T) { drillObjectives(t, s) })
	t.Run("queries of runbooks", func(t *testing.T) { drillQueries(t, s) })
	t.Run("backends", func(t *testing.T) {
		t.Run("store failing", func(t *testing.T) { t.Parallel(); drillStore(t, s) })
		t.Run("Loki down", func(t *testing.T) { t.Parallel(); drillLoki(t, s) })
	})
	t.Run("load", func(t *testing.T) {
		t.Run("readers stalled", func(t *testing.T) { t.Parallel(); drillReaders(t, s) })
		t.Run("CPU burnt", func(t *testing.T) { t.Parallel(); drillCPU(t, s) })
	})
	t.Run("hub killed", func(t *testing.T) { drillKill(t, s) })
	stop()
	t.Run("edge killed", func(t *testing.T) { drillEdge(t, s) })
}

// The recording rules find in a real hub what they read: all objectives,
// without NaN.
func drillObjectives(t *testing.T, s *stack) {
	for expr, want := range map[string]string{
		`count(objective:sse_errors:ratio_rate5m >= 0)`:                      "5",
		`count(objective:sse_budget_left:ratio_rate3d >= 0)`:                 "5",
		`count(objective:sse_events:rate5m{objective=~"publish|probe"} > 0)`: "2",
	} {
		eventually(t, expr, firesWithin, func() error {
			got, err := s.query(expr)
			if err == nil && (len(got) != 1 || got[0] != want) {
				err = fmt.Errorf("%v", got)
			}
			return err
		})
	}
}

// emptyWhenWell are the runbooks of which a query has no answer then.
var emptyWhenWell = map[string]string{
	"RuleFailures":         "it has only groups that fail",
	"GrafanaDown":          "no Grafana takes part",
	"AlertsNotSent":        "it has only Alertmanagers that were sent something",
	"NotificationsFailing": "no integration is filled in",
}

// A real Prometheus has an answer to each query that a runbook tells to paste.
func drillQueries(t *testing.T, s *stack) {
	for _, file := range glob(t, "runbooks/*.md") {
		for _, m := range inCurl.FindAllStringSubmatch(string(read(t, file)), -1) {
			eventually(t, file+": "+m[1], firesWithin, func() error {
				got, err := s.query(m[1])
				if err == nil && len(got) == 0 && emptyWhenWell[runbookOf(file)] == "" {
					err = errors.New("no series")
				}
				return err
			})
		}
	}
}

func drillStore(t *testing.T, s *stack) {
	empty := s.fill(t)
	defer empty()
	stop := meanwhile(1, func() {
		s.publish("orders.eu", 20_000)
		time.Sleep(50 * time.Millisecond)
	})
	defer stop()
	s.fires(t, "StoreErrors", "BreakerOpen", "PublishSuccessLow", "PublishBudgetBurn", "DeliveryBudgetBurn")
	empty()
	s.ends(t, "StoreErrors", "BreakerOpen", "PublishSuccessLow")
}

func drillLoki(t *testing.T, s *stack) {
	s.loki.Kill()
	s.fires(t, "LokiDown", "TelemetryDropped")
	s.loki.Start()
	s.ends(t, "LokiDown", "TelemetryDropped")
}

// Readers that never read lag, then they are let go.
func drillReaders(t *testing.T, s *stack) {
	for range 40 {
		c, err := net.Dial("tcp", s.public)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.(*net.TCPConn).SetReadBuffer(4096)
		if _, err := fmt.Fprintf(c, "GET /v1/events?topic=orders.stalled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "streams are open", firesWithin, func() error {
		got, err := s.query(`sum(sse_connections) >= bool 40`) // and the prober's
		if err == nil && (len(got) != 1 || got[0] != "1") {
			err = fmt.Errorf("%v", got)
		}
		return err
	})
	for range 100 {
		if status := s.publish("orders.stalled", 64<<10); status != 201 {
			t.Fatalf("publish: %d", status)
		}
	}
	s.fires(t, "ReadersBehind", "ReadersLetGo")
	s.ends(t, "ReadersBehind", "ReadersLetGo")
}

func drillCPU(t *testing.T, s *stack) {
	stop := meanwhile(4, func() { s.publish("orders.load", 100) })
	defer stop()
	s.fires(t, "CPUNearQuota")
	stop()
	s.ends(t, "CPUNearQuota")
}

func drillKill(t *testing.T, s *stack) {
	s.killHub()
	s.fires(t, "HubDown")
	s.explained(t, "ProbesFailing")
	s.startHub()
	s.ends(t, "HubDown", "ProbesFailing")
}

// Nobody but the prober publishes now, and its way is gone.
func drillEdge(t *testing.T, s *stack) {
	s.edge.kill()
	s.fires(t, "EdgeDown")
	s.explained(t, "ProbesFailing")
	s.edge.start()
	s.ends(t, "EdgeDown", "ProbesFailing")
}
