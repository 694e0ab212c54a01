package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A full disk opens the breaker; streams go on meanwhile. With room again
// publishing works again, and what was acknowledged is there.
func TestBreakerOfAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("a small file system can't be mounted here, which takes root: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	h := startHub(t, "--store", "bolt", "--data", filepath.Join(dir, "data"), "--breaker-open", "2s", "--heartbeat-interval", "200ms")
	live := h.subscribe("topic=orders", "")

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
		status, text := publish()
		if answers[status]++; status != 201 && status != 503 && status != 429 || len(acknowledged) > 1000 {
			t.Fatalf("%d %s", status, text)
		}
	}
	if answers[503] < 3 {
		t.Errorf("the breaker opened after %d failures", answers[503])
	}
	if state := metric(t, h.admin, `sse_breaker_state{breaker="publish"}`); state != 2 {
		t.Errorf("the breaker is in state %v", state)
	}
	if l, ok := h.awaitLog("breaker", "error"); !ok || l["to"] != "open" || !strings.Contains(l["error"].(string), "no space") {
		t.Errorf("logged: %v", l)
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
