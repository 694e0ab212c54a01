package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A hub under mixed traffic takes no more at the end than when all of its
// limits were reached: memory, descriptors, goroutines. SLUICE_LONG says for
// how long, such as 10m; what happens in it is longTraffic's.
func TestLong(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("SLUICE_LONG"))
	if err != nil {
		t.Skip("minutes of mixed traffic: SLUICE_LONG says how many, such as 10m")
	}
	l := &long{t: t, hub: newHubProcess(t, longSettings(t)...)}
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	counts := make([]atomic.Int64, len(longTraffic))
	var running sync.WaitGroup
	for i, traffic := range longTraffic {
		running.Go(func() { l.repeat(ctx, traffic, &counts[i]) })
	}
	var samples []usage
	for tick := time.NewTicker(length / longSamples); ctx.Err() == nil; {
		select {
		case <-tick.C:
			samples = append(samples, l.measure())
		case <-ctx.Done():
			tick.Stop()
		}
	}
	running.Wait()
	for i, traffic := range longTraffic {
		t.Logf("%6d times: %s", counts[i].Load(), traffic.what)
		if counts[i].Load() == 0 {
			t.Errorf("it never happened: %s", traffic.what)
		}
	}
	l.judge(samples)
}

// longSamples is how often a run is measured.
const longSamples = 40

// long is one run of TestLong.
type long struct {
	t   *testing.T
	hub *hubProcess
}

// longSettings have all limits that are reached by time reached within the
// first quarter of ten minutes.
func longSettings(t *testing.T) []string {
	return []string{"--data", t.TempDir(), "--memory-budget", "16MiB",
		"--retention-age", "20s", "--retention-bytes", "8MiB", "--retention-total-bytes", "48MiB",
		"--max-topics", "1000", "--idempotency-keys", "5000", "--ping-interval", "2s", "--pong-timeout", "1s", "--write-timeout", "5s", "--heartbeat-interval", "2s",
		"--trace-ratio", "0.1"}
}

// usage is what a hub takes at one moment.
type usage struct {
	heap        int64 // in use after a collection, bytes
	anonymous   int64 // resident memory that is no file's, bytes
	resident    int64 // all of it
	descriptors int64
	goroutines  int64
}

func (l *long) measure() usage {
	pid := l.hub.cmd.Process.Pid
	_, heap := get(l.t, "http://"+l.hub.admin+"/debug/pprof/heap?gc=1&debug=1")
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		l.t.Fatal(err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		l.t.Fatal(err)
	}
	return usage{
		heap:        l.number(heap, `# HeapAlloc = (\d+)`),
		anonymous:   l.number(string(status), `RssAnon:\s+(\d+)`) << 10,
		resident:    l.number(string(status), `VmRSS:\s+(\d+)`) << 10,
		descriptors: int64(len(files)),
		goroutines:  int64(l.hub.metric("go_goroutines")),
	}
}

func (l *long) number(text, pattern string) int64 {
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		l.t.Fatalf("no %s in what the hub and the kernel say of it", pattern)
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// judge compares the last quarter with the second one, by their medians. What
// leaks grows by as much again in the time between; what is noise, by less
// than a tenth and the slack.
func (l *long) judge(samples []usage) {
	if len(samples) < longSamples*3/4 {
		l.t.Fatalf("only %d samples", len(samples))
	}
	n := len(samples)
	for _, kind := range []struct {
		name  string
		of    func(usage) int64
		slack int64
	}{
		{"heap", func(u usage) int64 { return u.heap }, 3 << 20},
		{"anonymous memory", func(u usage) int64 { return u.anonymous }, 12 << 20},
		{"resident memory", func(u usage) int64 { return u.resident }, 24 << 20},
		{"descriptors", func(u usage) int64 { return u.descriptors }, 20},
		{"goroutines", func(u usage) int64 { return u.goroutines }, 20},
	} {
		values := make([]int64, n)
		for i, u := range samples {
			values[i] = kind.of(u)
		}
		early, late := median(values[n/4:n/2]), median(values[n*3/4:])
		l.t.Logf("%s: %d, at the end %d; all along %v", kind.name, early, late, values)
		if late > early+early/10+kind.slack {
			l.t.Errorf("%s grows: %d, at the end %d", kind.name, early, late)
		}
	}
}

func median(values []int64) int64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
