package probe

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// lumping is a proxy that hands a stream on in lumps of so many bytes, with the
// head of the answer at once or with the first lump. Other answers it hands on
// whole, as such proxies do.
func lumping(t *testing.T, hub string, lump int, headAtOnce bool) string {
	t.Helper()
	transport := &http.Transport{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = "http", hub, ""
		answer, err := transport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		w.Header().Set("Last-Event-ID", answer.Header.Get("Last-Event-ID"))
		w.WriteHeader(answer.StatusCode)
		flush := http.NewResponseController(w)
		if headAtOnce {
			_ = flush.Flush() // or the reader has gone
		}
		piece := make([]byte, lump)
		for err == nil {
			var n int
			n, err = io.ReadFull(answer.Body, piece)
			_, gone := w.Write(piece[:n])
			if gone != nil || flush.Flush() != nil {
				return
			}
		}
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		transport.CloseIdleConnections()
	})
	return s.URL
}

func TestBufferingProxyIsNoticed(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t)
	for name, c := range map[string]struct {
		lump       int
		headAtOnce bool
	}{
		"one that holds back all":           {1 << 20, false},
		"one that sends in lumps":           {400, true},
		"one that sends in lumps, and head": {400, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProber(t, lumping(t, hub.Public, c.lump, c.headAtOnce), quickly...)
			p.awaitFailures(failedBuffering)
		})
	}
	// The same without lumps is well.
	p := startProber(t, lumping(t, hub.Public, 1, true), quickly...)
	p.awaitGood()
	if n := p.failures(failedBuffering); n > 0 {
		t.Errorf("%v rounds are said to be held back", n)
	}
}

// A real nginx with its defaults, HTTP/1.0 to the hub and buffering, told not to
// mind the hub's word against that; and with that word. (Chunks, as HTTP/1.1 has
// them, it would hand on one by one.)
func TestBufferingNginxIsNoticed(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		needs.Missing(t, "no nginx: apt-get install nginx")
	}
	hub := hubtest.Start(t)
	way := func(extra string) string {
		folder, address := t.TempDir(), programtest.FreeAddress(t)
		config := filepath.Join(folder, "nginx.conf")
		text := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr crit;
events {}
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server { listen %[2]s; location / { proxy_pass http://%[3]s; %[4]s } }
}
`, folder, address, hub.Public, extra)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(nginx, "-c", config, "-p", folder)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() }) // it may have ended
		hubtest.Await(t, "nginx listens", func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
		return "http://" + address
	}
	buffering := startProber(t, way("proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"), quickly...)
	buffering.awaitFailures(failedBuffering)
	well := startProber(t, way(""), quickly...)
	well.awaitGood()
	if n := well.failures(failedBuffering); n > 0 {
		t.Errorf("%v rounds are said to be held back by an nginx that does as the hub says", n)
	}
}
