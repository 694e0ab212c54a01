package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// troubled is a backend of logs and spans that does as it is told, on one
// address throughout.
type troubled struct {
	address string
	answer  atomic.Pointer[http.HandlerFunc]

	server *http.Server
	served sync.WaitGroup
}

func newTroubled(t *testing.T) *troubled {
	b := &troubled{address: programtest.FreeAddress(t)}
	b.does(well)
	t.Cleanup(b.stop)
	return b
}

func (b *troubled) does(f http.HandlerFunc) { b.answer.Store(&f) }

func (b *troubled) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	b.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*b.answer.Load())(w, r) })}
	b.served.Go(func() { _ = b.server.Serve(l) })
}

func (b *troubled) stop() {
	if b.server != nil {
		_ = b.server.Close()
		b.server = nil
	}
	b.served.Wait()
}

// Answers of a backend.
func well(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "loki") {
		w.WriteHeader(http.StatusNoContent)
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // or the end of the connection goes unnoticed
	<-r.Context().Done()
}

func refuses(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// crawls takes a push every two seconds, of which the load needs many.
func crawls(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-time.After(2 * time.Second):
	case <-r.Context().Done():
	}
	well(w, r)
}

// TestTelemetryDoesNoHarm: whatever the backends of logs and spans do, every
// stream gets every event, memory stays within what is stated, what is lost is
// counted by its reason, and the hub recovers without a restart and ends in
// time. SLUICE_TROUBLE is how long the load of each lasts (2s).
func TestTelemetryDoesNoHarm(t *testing.T) {
	lasts := 2 * time.Second
	if d, err := time.ParseDuration(os.Getenv("SLUICE_TROUBLE")); err == nil {
		lasts = d
	}
	usual := 0.0
	for _, c := range []struct {
		name    string
		does    http.HandlerFunc // nil: nobody listens
		reasons []string         // one of them must be counted for each signal
	}{
		{"well", well, nil},
		{"down", nil, []string{"unavailable", "queue_full"}},
		{"hanging", hangs, []string{"unavailable", "queue_full"}},
		{"400", refuses(400), []string{"rejected"}},
		{"500", refuses(500), []string{"unavailable", "queue_full"}},
		{"slow", crawls, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTroubled(t)
			if c.does != nil {
				b.does(c.does)
				b.start(t)
			}
			env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + b.address, "OTEL_BSP_SCHEDULE_DELAY=200"}
			h := newHubProcessIn(t, env, "--store", "memory", "--trace-exporter", "otlp", "--trace-ratio", "1",
				"--loki-url", "http://"+b.address, "--environment", "test", "--drain-timeout", "5s")
			rss := underLoad(t, h, lasts)
			if c.name == "well" { // which is first, for comparison
				usual = rss
			}
			t.Parallel() // one by one for the load, which takes the machine; now they wait beside each other
			t.Logf("%.0f MB", rss/1e6)
			if rss > usual+100e6 { // the queues' ceilings and what is under way
				t.Errorf("the hub takes %.0f MB, without trouble %.0f MB", rss/1e6, usual/1e6)
			}
			checkDrops(t, h, c.reasons)
			if c.name == "hanging" {
				endInTime(t, h) // while it hangs
				return
			}
			recovers(t, h, b)
			endInTime(t, h)
		})
	}
	t.Parallel()
}

// underLoad publishes traced events to many streams, all of which must get all
// of them, and returns the hub's memory.
func underLoad(t *testing.T, h *hubProcess, lasts time.Duration) float64 {
	t.Helper()
	const readers = 50
	discardStreams(t, h.public, readers)
	await(t, "the readers", func() bool { return h.metric("sse_connections") == readers })
	n, began := 0, time.Now()
	for ; time.Since(began) < lasts; n++ {
		tracedPost(t, h.url(""), n)
	}
	await(t, "the deliveries", func() bool { return h.metric("sse_deliveries_total") == float64(n*readers) })
	if open := h.metric("sse_connections"); open != readers {
		t.Errorf("%v streams are left", open)
	}
	t.Logf("%.0f publishes a second", float64(n)/lasts.Seconds())
	return h.metric("process_resident_memory_bytes")
}

// checkDrops waits for what a backend's trouble must lead to.
func checkDrops(t *testing.T, h *hubProcess, reasons []string) {
	t.Helper()
	for _, signal := range []string{"logs", "traces"} {
		if len(reasons) > 0 {
			patiently(t, "drops of "+signal+" for "+strings.Join(reasons, " or "), func() bool {
				sum := 0.0
				for _, reason := range reasons {
					sum += h.metric(fmt.Sprintf(`sse_telemetry_dropped_total{reason=%q,signal=%q}`, reason, signal))
				}
				return sum > 0
			})
		}
		if depth := h.metric(fmt.Sprintf(`sse_telemetry_queue_depth{signal=%q}`, signal)); depth > 20_000 {
			t.Errorf("%v %s wait", depth, signal)
		}
	}
}

// patiently waits for what the tries of a push have to end for.
func patiently(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(time.Minute); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// recovers makes the backend well again, and waits until it is sent to.
func recovers(t *testing.T, h *hubProcess, b *troubled) {
	t.Helper()
	b.does(well)
	if b.server == nil {
		b.start(t)
	}
	since := float64(time.Now().UnixMilli()) / 1000
	n := 1_000_000
	for _, signal := range []string{"logs", "traces"} {
		patiently(t, signal+" to be sent again", func() bool {
			tracedPost(t, h.url(""), n)
			n++
			return h.metric(fmt.Sprintf(`sse_telemetry_last_success_timestamp_seconds{signal=%q}`, signal)) > since
		})
	}
}

// endInTime ends the hub within its drain's time and that of the telemetry.
func endInTime(t *testing.T, h *hubProcess) {
	t.Helper()
	began := time.Now()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.ended()
	if took := time.Since(began); took > 15*time.Second { // 5 s for the streams, 2 s for the backends, and a busy machine
		t.Errorf("the end took %v", took)
	}
}
