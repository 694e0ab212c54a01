package health

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// serve runs a server whose connections a monitor sees and whose every answer
// is that of a probe.
func serve(t testing.TB, m *Monitor, secure bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.Answer(w, r) }))
	s.Config.ConnContext = m.ConnContext
	s.EnableHTTP2 = secure
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.Close()
		m.Wait()
	})
	return s
}

func score(t testing.TB, s *httptest.Server, header ...string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodHead, s.URL+"/any/path", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	n, err := strconv.Atoi(answer.Header.Get("X-Health-Score"))
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	return n
}

// On loopback R is 100, and so is T without TLS.
func TestBacklogCounts(t *testing.T) {
	var m Monitor
	s := serve(t, &m, false)
	for _, row := range []struct{ behind, connections, want int }{{0, 0, 100}, {0, 9, 100}, {1, 4, 95}, {7, 7, 80}, {0, 7, 100}} {
		m.SetBacklog(row.behind, row.connections)
		if got := score(t, s); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
}

// Handshakes are real ones: successes add up, a failure begins anew, and who
// only looks whether somebody listens has not failed.
func TestHandshakesCount(t *testing.T) {
	var m Monitor
	s := serve(t, &m, true)
	s.Config.ErrorLog = nil
	from := netip.MustParseAddr("127.0.0.1")
	shake := func(config *tls.Config) {
		t.Helper()
		if c, err := tls.Dial("tcp", s.Listener.Addr().String(), config); err == nil {
			c.Close()
		}
	}
	noted := func(want int) {
		t.Helper()
		for late := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if successes, _, known := m.peers.Of(from); known && successes == want {
				return
			}
			if time.Now().After(late) {
				t.Fatalf("%d successes were not noted", want)
			}
		}
	}
	good := &tls.Config{InsecureSkipVerify: true} // the client, which is not under test
	for n := 1; n <= 4; n++ {
		shake(good)
		noted(n)
	}
	if c, err := net.Dial("tcp", s.Listener.Addr().String()); err == nil {
		c.Close()
	}
	shake(good)
	noted(5)
	shake(&tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10, InsecureSkipVerify: true}) // the server refuses it
	noted(0)
	if v := m.t(from); v != 0 {
		t.Errorf("T after a failure is %v", v)
	}
	if got := m.ScoreStream("127.0.0.1:999", true, time.Millisecond); got != 70 {
		t.Errorf("the stream's score is %d", got)
	}
	if got := m.ScoreStream("127.0.0.1:999", false, 252500*time.Microsecond); got != 75 {
		t.Errorf("the plain stream's score is %d", got)
	}
	shake(good)
	noted(1)
	if got := score(t, s); got < 70 || got > 93 { // n is 2 with the probe's own, and h as it is
		t.Errorf("the score is %d", got)
	}
}

// What an edge says counts where the edge is trusted, and nobody else's word.
func TestEdge(t *testing.T) {
	trusted := Monitor{Trusted: func(r *http.Request) bool { return r.Header.Get("X-From") == "edge" }}
	s, open := serve(t, &trusted, false), serve(t, new(Monitor), false)
	for _, row := range []struct {
		header []string
		want   int
	}{
		{nil, 100},
		{[]string{EdgeRTT, "252500"}, 75},
		{[]string{EdgeRTT, "600000"}, 50},
		{[]string{EdgeRTT, "600000", EdgeHandshakes, "0"}, 20},
		{[]string{EdgeHandshakes, "1"}, 85},
		{[]string{EdgeRTT, "5000", EdgeHandshakes, "2", EdgeHandshakeTime, "240000"}, 88},
		{[]string{EdgeRTT, "-5"}, 100},
		{[]string{EdgeRTT, "nonsense", EdgeHandshakeTime, "9"}, 100},
		{[]string{EdgeHandshakes, "99999999999999999999"}, 100},
		{[]string{EdgeRTT, "1099511627775"}, 50},
	} {
		if got := score(t, s, append(row.header, "X-From", "edge")...); got != row.want {
			t.Errorf("%v: %d, want %d", row.header, got, row.want)
		}
		if got := score(t, s, row.header...); got != 100 {
			t.Errorf("%v from nobody: %d", row.header, got)
		}
		if got := score(t, open, append(row.header, "X-From", "edge")...); got != 100 {
			t.Errorf("%v without trust in anybody: %d", row.header, got)
		}
	}
}

// The kernel's figure is real: it is there for a socket that was used, and
// small on loopback.
func TestRTT(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rtt, ok := RTT(c)
	if ok != (runtime.GOOS == "linux") || rtt < 0 || rtt > 5*time.Second {
		t.Errorf("%v, %v", rtt, ok)
	}
	p, _ := net.Pipe()
	if rtt, ok := RTT(p); ok {
		t.Errorf("a pipe has a round trip of %v", rtt)
	}
	p.Close()
	c.Close()
	if rtt, ok := RTT(c); ok {
		t.Errorf("a closed socket has a round trip of %v", rtt)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::1",
		"[::ffff:192.0.2.1]:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "@": "invalid IP", "": "invalid IP"} {
		if got := address(text).String(); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// BenchmarkProbe measures what a probe costs beside HTTP itself, with a real
// socket asked each time.
func BenchmarkProbe(b *testing.B) {
	var m Monitor
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := httptest.NewRequest(http.MethodHead, "/", nil)
	r = r.WithContext(m.ConnContext(r.Context(), c))
	w := nothing{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		if n := m.Answer(w, r); n != 100 {
			b.Fatal(fmt.Sprint("score ", n))
		}
	}
}

type nothing struct{ header http.Header }

func (n nothing) Header() http.Header         { return n.header }
func (n nothing) Write(p []byte) (int, error) { return len(p), nil }
func (n nothing) WriteHeader(int)             {}
