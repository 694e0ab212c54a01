package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// A full disk opens the breaker; streams go on meanwhile. With room again
// publishing works again, and what was acknowledged is there.
func TestBreakerOfAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		needs.Missing(t, "a small file system can't be mounted here, which takes root: "+err.Error())
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	// The stream that is open all the time is read at the end, however late that is.
	h := startHub(t, "--store", "disk", "--data", filepath.Join(dir, "data"), "--breaker-open", "2s", "--heartbeat-interval", "200ms", "--write-timeout", "10m")
	live := h.subscribe("topic=orders", "")
	beats := countBeats(t, h.subscribe("topic=quiet", ""))

	// What is in the log already is answered from memory: that the store works
	// it does not say.
	repeat := func() int {
		answer, _ := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/known/events", "x", header{"Idempotency-Key": "known"})
		return answer.StatusCode
	}
	if status := repeat(); status != 201 {
		t.Fatalf("the first of its key: %d", status)
	}
	var acknowledged []string
	publish := func() (int, string) {
		data := strings.Repeat("x", 20_000) + time.Now().String()
		answer, text := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", data, nil)
		if answer.StatusCode == 201 {
			acknowledged = append(acknowledged, data)
		}
		if answer.StatusCode == 429 {
			if s := checkTooMany(t, answer, text, "breaker-open"); s > 2 {
				t.Errorf("Retry-After %d", s)
			}
		}
		return answer.StatusCode, text
	}
	answers := map[int]int{}
	for answers[429] == 0 {
		if status := repeat(); status != 200 && status != 429 {
			t.Fatalf("a repeated publish: %d", status)
		}
		status, text := publish()
		if answers[status]++; status != 201 && status != 503 && status != 429 || len(acknowledged) > 1000 || answers[503] > 100 {
			t.Fatalf("%d %s", status, text)
		}
	}
	if answers[503] < 3 {
		t.Errorf("the breaker opened after %d failures", answers[503])
	}
	if status := repeat(); status != 429 {
		t.Errorf("a repeated publish while it is open: %d", status)
	}
	if state := metric(t, h.admin, `sse_breaker_state{breaker="publish"}`); state != 2 {
		t.Errorf("the breaker is in state %v", state)
	}
	if l, ok := h.awaitLog("breaker", "error"); !ok || l["to"] != "open" || !strings.Contains(l["error"].(string), "no space") {
		t.Errorf("logged: %v", l)
	}
	before := beats.Load()
	await(t, "heartbeats go on", func() bool { return beats.Load() >= before+3 })
	if state := metric(t, h.admin, `sse_breaker_state{breaker="publish"}`); state != 2 {
		t.Errorf("the breaker is in state %v after three heartbeats", state)
	}
	await(t, "one is tried", func() bool { return repeat() == 200 })
	if state := metric(t, h.admin, `sse_breaker_state{breaker="publish"}`); state != 1 {
		t.Errorf("the breaker is in state %v by what needed no store", state)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, "the breaker closes", func() bool {
		status, _ := publish()
		return status == 201
	})
	if state := metric(t, h.admin, `sse_breaker_state{breaker="publish"}`); state != 0 {
		t.Errorf("the breaker is in state %v", state)
	}
	// The stream that was open all the time, and one from the beginning.
	for name, s := range map[string]*stream{"live": live, "from the beginning": h.subscribe("topic=orders", "0")} {
		expectAll(t, name, s, acknowledged)
	}
}

// countBeats reads a stream without events, and counts what comes.
func countBeats(t *testing.T, s *stream) *atomic.Int64 {
	var beats atomic.Int64
	s.OnActivity = func() { beats.Add(1) }
	var reading sync.WaitGroup
	reading.Go(func() {
		if m, err := s.Next(); err == nil {
			t.Errorf("got %+v", m)
		}
	})
	t.Cleanup(func() {
		s.close()
		reading.Wait()
	})
	return &beats
}

// expectAll checks that all of the events are there, in order. Others may be:
// those whose publisher was told that the store failed.
func expectAll(t *testing.T, name string, s *stream, data []string) {
	t.Helper()
	for at := 0; at < len(data); {
		m, err := s.Next()
		if err != nil {
			t.Errorf("%s: %d of %d events: %v", name, at, len(data), err)
			return
		}
		if m.Data == data[at] {
			at++
		}
	}
}
