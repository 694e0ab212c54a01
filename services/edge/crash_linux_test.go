package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A worker that is killed takes its streams along, but not their places: as many
// as before may come back.
func TestWorkerKilled(t *testing.T) {
	const room = 10
	e, h := behindEdge(t, []string{"--workers", "1", "--max-streams", strconv.Itoa(room), "--linger", "1s"})
	for range room {
		open(t, "GET", e.url+"/v1/events?topic=orders", "")
	}
	await(t, "the hub has the streams", func() bool { return len(h.connections()) == room })
	master, err := os.ReadFile(filepath.Join(e.folder, "nginx", "nginx.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(string(master))
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		t.Fatal(err)
	}
	worker, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		t.Fatalf("workers %q: %v", children, err)
	}
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the hub has none", func() bool { return len(h.connections()) == 0 })
	await(t, "there is room for all", func() bool {
		var streams []*http.Response
		defer func() {
			for _, s := range streams {
				s.Body.Close()
			}
		}()
		for range room {
			answer, err := http.Get(e.url + "/v1/events?topic=orders")
			if err != nil {
				return false
			}
			streams = append(streams, answer)
			if answer.Header.Get("X-Release-Version") == "" { // no hub's answer
				time.Sleep(50 * time.Millisecond)
				return false
			}
		}
		return true
	})
	await(t, "the edge counts none that are gone", func() bool { return figure(t, e, "sse_edge_streams") == 0 })
}
