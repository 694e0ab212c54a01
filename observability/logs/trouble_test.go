package logs

import (
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// Nobody listens, then somebody does.
func TestRefused(t *testing.T) {
	server := answers(t, 204)
	address := server.Listener.Addr().String()
	server.Close()
	p := quick()
	p.wait = 500 * time.Millisecond // the queue fills meanwhile
	l, a := begin(t, "http://"+address, io.Discard, p)
	logMany(l, flood)
	if l.Depth() > lokiLines {
		t.Errorf("%d lines wait", l.Depth())
	}
	eventually(t, "a batch to be given up", func() bool {
		_, dropped := a.snapshot()
		return dropped[outbox.Unavailable] > 0
	})
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	back := &answerer{status: 204, streams: map[string]int{}}
	again := httptest.NewUnstartedServer(back)
	again.Listener.Close()
	again.Listener = listener
	again.Start()
	defer again.Close()
	eventually(t, "the first lines after it", func() bool { sent, _ := a.snapshot(); return sent > 0 })
	logMany(l, 100)
	closeWithin(t, l, time.Minute)
	sent, dropped := a.awaitAll(t, flood+100)
	if _, lines, _ := back.counts(); sent != lines || sent < 100 {
		t.Errorf("sent %d, %d arrived", sent, lines)
	}
	wantReasons(t, dropped, outbox.QueueFull, outbox.Unavailable)
}

// A server that recovers gets everything, in order and once.
func TestRecovers(t *testing.T) {
	server := answers(t, 500)
	var out bytes.Buffer
	p := quick()
	p.tries = 1000
	p.wait = time.Microsecond
	l, a := begin(t, server.URL, &out, p)
	logMany(l, 5000)
	eventually(t, "some tries", func() bool { requests, _, _ := server.counts(); return requests >= 3 })
	if sent, dropped := a.snapshot(); sent != 0 || len(dropped) != 0 {
		t.Errorf("%d sent and %v dropped while it fails", sent, dropped)
	}
	server.now(204)
	closeWithin(t, l, time.Minute)
	sent, dropped := a.awaitAll(t, 5000)
	if sent != 5000 || len(dropped) != 0 {
		t.Errorf("%d sent, %v dropped", sent, dropped)
	}
	printed := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var logged []string
	for _, line := range printed {
		if !strings.Contains(line, `"event_type":"telemetry"`) {
			logged = append(logged, line)
		}
	}
	if !reflect.DeepEqual(logged, server.lines) {
		t.Errorf("%d lines on standard output, %d others arrived", len(logged), len(server.lines))
	}
	if len(printed) != len(logged)+2 {
		t.Errorf("%d notes on standard output, want that it fails and that it works again", len(printed)-len(logged))
	}
}

// A server at a tenth of the speed gets what it can take, up to the newest.
func TestSlow(t *testing.T) {
	server := answers(t, 204)
	var out bytes.Buffer
	began := time.Now()
	l, a := begin(t, server.URL, &out, quick())
	logMany(l, 2*lokiBatch)
	// One batch in ten times what it takes to log one.
	server.mu.Lock()
	server.wait = max(5*time.Since(began), 20*time.Millisecond)
	server.mu.Unlock()
	logged := 2 * lokiBatch
	for range 20 {
		logMany(l, lokiBatch)
		logged += lokiBatch
		if l.Depth() > lokiLines {
			t.Fatalf("%d lines wait", l.Depth())
		}
	}
	closeWithin(t, l, time.Minute)
	sent, dropped := a.awaitAll(t, logged)
	if sent != len(server.lines) || sent < lokiLines {
		t.Errorf("sent %d, %d arrived", sent, len(server.lines))
	}
	wantReasons(t, dropped, outbox.QueueFull)
	last := out.String()[strings.LastIndex(strings.TrimSuffix(out.String(), "\n"), "\n")+1:]
	if got := server.lines[len(server.lines)-1]; got+"\n" != last {
		t.Errorf("the newest that arrived is %s, want %s", got, last)
	}
}

// Standard output that is stuck costs its own lines, not Loki's.
func TestStdoutStuck(t *testing.T) {
	server := answers(t, 204)
	r, w := io.Pipe()
	defer r.Close()
	l, a := begin(t, server.URL, w, quick())
	long := strings.Repeat("x", 10_000)
	for range 1000 {
		l.Logger().Info(long)
	}
	eventually(t, "Loki to have them", func() bool { sent, dropped := a.snapshot(); return sent+dropped[outbox.QueueFull] == 1000 })
	if _, dropped := a.snapshot(); dropped[StdoutFull] < 100 {
		t.Errorf("dropped %v with 10 MB for 4 MiB", dropped)
	}
	closeWithin(t, l, 100*time.Millisecond)
}
