package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// "tail -f app.log | hub publish logs" outlasts a restart of the hub: every
// line arrives, once, in order.
func TestFeedThroughARestart(t *testing.T) {
	t.Parallel()
	const total, before = 300, 100
	data := t.TempDir()
	first := startHub(t, "--store", "disk", "--data", data)
	watch := first.subscribe("topic=logs", "0")

	in, feed := io.Pipe()
	report := &reports{more: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() {
		done <- run(t.Context(), []string{"publish", "logs", "--type", "line", "--url", first.public}, noEnv, in, io.Discard, report)
	}()
	stopped := make(chan struct{})
	go func() {
		for i := range total {
			if i == total-1 {
				<-stopped // so that the restart is in the middle however fast the rest went
			}
			fmt.Fprintf(feed, "line %d %s\n", i, strings.Repeat("x", i*300)) // some longer than any usual buffer
		}
		feed.Close()
	}()

	for range before {
		if _, err := watch.Next(); err != nil {
			t.Fatal(err)
		}
	}
	go func() { // a reader that stopped reading would only delay the end
		for {
			if _, err := watch.Next(); err != nil {
				return
			}
		}
	}()
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	close(stopped)
	report.await(t, "trying again")
	second := startHub(t, "--store", "disk", "--data", data, "--listen", strings.TrimPrefix(first.public, "http://"))
	if err := <-done; err != nil {
		t.Fatalf("publish ended with %v: %s", err, report)
	}
	report.await(t, fmt.Sprintf("%d lines published to logs", total))

	all := second.subscribe("topic=logs", "0")
	for i := range total {
		m, err := all.Next()
		if err != nil || m.Type != "line" || m.Data != fmt.Sprintf("line %d %s", i, strings.Repeat("x", i*300)) {
			t.Fatalf("event %d: %.40s, %v", i, m.Data, err)
		}
	}
}

func TestFeedReportsWhatTheHubRefuses(t *testing.T) {
	h := startHub(t, "--max-event-bytes", "100000")
	input := "good\n" + strings.Repeat("y", 100_000) + "\n" + strings.Repeat("z", 100_001) + "\nbad \xff\nlast\n"
	report := &reports{more: make(chan struct{}, 1)}
	err := run(t.Context(), []string{"publish", "logs"}, func(name string) string {
		if name == "SLUICE_URL" {
			return h.public
		}
		return ""
	}, strings.NewReader(input), io.Discard, report)
	if err == nil || err.Error() != "2 lines not published" {
		t.Errorf("publish ended with %v", err)
	}
	for _, want := range []string{"line 3 left out: 413", "line 4 left out: 400", "3 lines published to logs", "2 lines left out"} {
		report.await(t, want)
	}
	s := h.subscribe("topic=logs", "0")
	for _, want := range []string{"good", strings.Repeat("y", 100_000), "last"} {
		if m, err := s.Next(); err != nil || m.Data != want {
			t.Errorf("read %.40s, %v", m.Data, err)
		}
	}
}

// reports is standard error that a test can wait on.
type reports struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (r *reports) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
	return r.text.Write(p)
}

func (r *reports) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *reports) await(t *testing.T, want string) {
	t.Helper()
	for !strings.Contains(r.String(), want) {
		select {
		case <-r.more:
		case <-time.After(30 * time.Second):
			t.Fatalf("%q is not reported: %s", want, r)
		}
	}
}
