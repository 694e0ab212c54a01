package sockets

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// BenchmarkSweep measures what a delivery costs the loop itself: the sockets
// are /dev/null, which takes everything at once and costs the kernel nothing.
func BenchmarkSweep(b *testing.B) {
	for name, topics := range map[string][]string{"one topic": {"a"}, "four topics": {"a", "b", "c", "d"}} {
		b.Run(name, func(b *testing.B) { benchmarkSweep(b, 1000, topics) })
	}
}

func benchmarkSweep(b *testing.B, conns int, topics []string) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	log := quietLog(b)
	l := handLoop(log)
	for range conns {
		l.attach(&Conn{Socket: Socket{fd: int(null.Fd())}, loop: l, session: &leaver{}, stream: follow(b, log, topics...)})
	}
	entry := eventlog.TextEntry("", strings.Repeat("x", 128))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if _, err := log.Append(b.Context(), "a", entry); err != nil {
			b.Fatal(err)
		}
		l.handPass()
	}
	runtime.ReadMemStats(&after)
	sent := float64(l.figures.Events())
	if want := float64(b.N * conns); sent < want {
		b.Fatalf("%v deliveries of %v", sent, want)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/sent, "ns/delivery")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/sent, "allocs/delivery")
}
