package traces

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// exporters are those that reach over the network, by what they are set to.
func exporters(address string) map[string]Options {
	quick := []string{"OTEL_BSP_SCHEDULE_DELAY", "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1000"}
	with := func(exporter string, pairs ...string) Options {
		return Options{Exporter: exporter, Ratio: 1, Service: "hub", Getenv: variables(append(quick, pairs...)...)}
	}
	url := "http://" + address
	return map[string]Options{
		"otlp http":     with("otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", url),
		"otlp json":     with("otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url+"/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
		"otlp grpc":     with("otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", url, "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
		"jaeger-thrift": with("jaeger-thrift", "OTEL_EXPORTER_JAEGER_ENDPOINT", url+"/api/traces"),
	}
}

// start starts tracing that reports to counts.
func start(t *testing.T, c *counts, o Options) *Tracing {
	t.Helper()
	tracing, err := Start(t.Context(), c.tell(o))
	if err != nil {
		t.Fatal(err)
	}
	return tracing
}

// end closes tracing, and checks that it kept the time, about, and that every
// span is accounted for: those under way in an export that does not heed its
// end in time, when it ends.
func end(t *testing.T, tracing *Tracing, c *counts, spans int, most time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	closing := time.Now()
	tracing.Close(ctx)
	if took := time.Since(closing); took > most+3*time.Second {
		t.Errorf("Close took %v of %v", took, most)
	}
	within(t, 10*time.Second, "the account of all spans", func() error {
		if c.all() == spans {
			return nil
		}
		sent, dropped, _ := c.get()
		return fmt.Errorf("%d sent and dropped %v, want %d in all", sent, dropped, spans)
	})
}

// refusing returns an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silent returns an address that takes connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// answering returns an address that answers every request so.
func answering(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func answers(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// A backend in trouble is felt by nobody: spans are made as fast as ever, and
// what is lost is counted by why.
func TestBackendInTrouble(t *testing.T) {
	var patients []patient
	for name, where := range map[string]struct {
		at     func(*testing.T) string
		reason string // where there is time to try
	}{
		"refused": {refusing, outbox.Unavailable},
		"silent":  {silent, outbox.Unavailable},
		"400":     {func(t *testing.T) string { return answering(t, answers(400)) }, outbox.Rejected},
		"429":     {func(t *testing.T) string { return answering(t, answers(429)) }, outbox.Unavailable},
		"500":     {func(t *testing.T) string { return answering(t, answers(500)) }, outbox.Unavailable},
	} {
		all := exporters(where.at(t))
		if _, err := strconv.Atoi(name); err == nil {
			delete(all, "otlp grpc") // which has statuses of its own
		}
		for exporter, o := range all {
			if name == "silent" {
				o.Getenv = also(o.Getenv, "OTEL_BSP_EXPORT_TIMEOUT", "300")
			}
			p := patient{name: name + ", " + exporter, reason: where.reason, counts: &counts{}}
			p.tracing = start(t, p.counts, o)
			began := time.Now()
			publish(p.tracing, troubled)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: %d spans took %v", p.name, troubled, took)
			}
			patients = append(patients, p)
		}
	}
	for _, p := range patients {
		p.check(t)
	}
}

// patient is an exporter whose backend is in trouble.
type patient struct {
	name, reason string
	tracing      *Tracing
	counts       *counts
}

const troubled = 1000 // spans that a patient is given

func (p patient) check(t *testing.T) {
	t.Helper()
	within(t, 20*time.Second, p.name+" gives up", func() error {
		if got := p.counts.all(); got != troubled {
			return fmt.Errorf("%d of %d", got, troubled)
		}
		return nil
	})
	sent, dropped, failed := p.counts.get()
	if sent != 0 || dropped[p.reason] != troubled {
		t.Errorf("%s: %d sent, dropped %v, want %d %s", p.name, sent, dropped, troubled, p.reason)
	}
	if len(failed) != 1 {
		t.Errorf("%s: told of %d failures within a minute: %v", p.name, len(failed), failed)
	}
	end(t, p.tracing, p.counts, troubled, time.Second)
}

// A queue that overflows drops the oldest, and what is there when the time is
// over is counted too.
func TestCloseWhileTheBackendHangs(t *testing.T) {
	t.Parallel()
	for exporter, o := range exporters(silent(t)) {
		t.Run(exporter, func(t *testing.T) {
			t.Parallel()
			o.Getenv = also(o.Getenv, "OTEL_BSP_EXPORT_TIMEOUT", "60000")
			var c counts
			tracing := start(t, &c, o)
			const spans = 5000
			publish(tracing, spans)
			if d := tracing.Depth(); d != QueueSpans {
				t.Errorf("%d wait, want %d", d, QueueSpans)
			}
			end(t, tracing, &c, spans, time.Second)
			_, dropped, _ := c.get()
			if dropped[outbox.QueueFull] < spans-QueueSpans-2*1000 || dropped[outbox.Shutdown] < QueueSpans {
				t.Errorf("dropped %v", dropped)
			}
			publish(tracing, 10) // into the void
			if tracing.Depth() != 0 {
				t.Error("something waits after the end")
			}
		})
	}
}

// A writer that blocks for ever is left behind.
func TestCloseWhileStdoutBlocks(t *testing.T) {
	r, w := io.Pipe()
	var c counts
	tracing := start(t, &c, Options{Exporter: ExporterStdout, Stdout: w, Ratio: 1, Getenv: variables("OTEL_BSP_SCHEDULE_DELAY", "1")})
	publish(tracing, 3)
	time.Sleep(20 * time.Millisecond)
	end(t, tracing, &c, 3, 200*time.Millisecond)
	r.Close()
	time.Sleep(50 * time.Millisecond)
	if sent, dropped, _ := c.get(); sent != 0 || dropped[outbox.Shutdown] != 3 {
		t.Errorf("%d sent and dropped %v after the end", sent, dropped)
	}
}

func TestStdout(t *testing.T) {
	var text strings.Builder
	var c counts
	o := Options{Stdout: &text, Ratio: 1, Service: "hub", Getenv: variables("OTEL_TRACES_EXPORTER", "console")}
	tracing := start(t, &c, o)
	publish(tracing, 2)
	end(t, tracing, &c, 2, 5*time.Second)
	if strings.Count(text.String(), callerID) < 2 || !strings.Contains(text.String(), `"Name":"sse.publish"`) {
		t.Errorf("wrote %s", text.String())
	}
	if sent, _, _ := c.get(); sent != 2 {
		t.Errorf("%d sent, want 2", sent)
	}
}

// What was in trouble for a while is used again without a restart.
func TestBackendRecovers(t *testing.T) {
	t.Parallel()
	var healthy atomic.Bool
	address := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if !healthy.Load() {
			w.WriteHeader(503)
		}
	})
	for exporter, o := range exporters(address) {
		if exporter == "otlp grpc" {
			continue
		}
		var c counts
		tracing := start(t, &c, o)
		healthy.Store(false)
		publish(tracing, 5)
		within(t, 10*time.Second, "the spans are given up", func() error {
			if _, dropped, _ := c.get(); dropped[outbox.Unavailable] != 5 {
				return fmt.Errorf("dropped %v", dropped)
			}
			return nil
		})
		healthy.Store(true)
		publish(tracing, 7)
		if err := tracing.provider.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
		if sent, _, _ := c.get(); sent != 7 {
			t.Errorf("%s: %d sent, want 7", exporter, sent)
		}
		end(t, tracing, &c, 12, time.Second)
	}
}

// A collector that is slow gets everything in the end.
func TestBackendIsSlow(t *testing.T) {
	t.Parallel()
	address := answering(t, func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) })
	for exporter, o := range exporters(address) {
		if exporter == "otlp grpc" {
			continue
		}
		var c counts
		tracing := start(t, &c, o)
		publish(tracing, 1500)
		end(t, tracing, &c, 1500, 5*time.Second)
		if sent, _, _ := c.get(); sent != 1500 {
			t.Errorf("%s: %d sent, want 1500", exporter, sent)
		}
	}
}

// What a collector took of a batch is sent, the rest is rejected.
func TestPartialSuccess(t *testing.T) {
	body, err := proto.Marshal(&coltrace.ExportTraceServiceResponse{PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: 2, ErrorMessage: "too (odd)"}})
	if err != nil {
		t.Fatal(err)
	}
	var auth, path atomic.Value
	address := answering(t, func(w http.ResponseWriter, r *http.Request) {
		auth.Store(r.Header.Get("Authorization"))
		path.Store(r.URL.Path)
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.Write(body)
	})
	var c counts
	tracing := start(t, &c, Options{Exporter: "otlp", Ratio: 1, Getenv: variables(
		"OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+address+"/in/", "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20eA==", "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")})
	publish(tracing, 5)
	end(t, tracing, &c, 5, 5*time.Second)
	if sent, dropped, failed := c.get(); sent != 3 || dropped[outbox.Rejected] != 2 || len(failed) != 1 {
		t.Errorf("%d sent, dropped %v, told of %v", sent, dropped, failed)
	}
	if auth.Load() != "Basic eA==" || path.Load() != "/in/v1/traces" {
		t.Errorf("asked %v as %v", path.Load(), auth.Load())
	}
}
