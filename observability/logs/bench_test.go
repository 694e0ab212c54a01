package logs

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"
)

// What a call that logs costs, beside slog's own handler on nothing. Its
// lines are typical: two attributes of the logger and six of the call.
func BenchmarkLog(b *testing.B) {
	b.Run("slog", func(b *testing.B) {
		benchmark(b, slog.New(slog.NewJSONHandler(io.Discard, nil)).With("service_name", "hub"))
	})
	b.Run("stdout", func(b *testing.B) { benchmarkLogs(b, "") })
	// Nothing listens there: the queue is full, its dearest state.
	b.Run("loki", func(b *testing.B) { benchmarkLogs(b, "http://127.0.0.1:1") })
}

func benchmarkLogs(b *testing.B, url string) {
	l, err := New(Options{Out: io.Discard, LokiURL: url, Service: "hub", Environment: "test"})
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, l.Logger())
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	l.Close(ctx)
}

func benchmark(b *testing.B, logger *slog.Logger) {
	logger = logger.With("release", "stable")
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		logger.LogAttrs(context.Background(), slog.LevelInfo, "stream opened",
			slog.String("event_type", "sse_connect"),
			slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
			slog.String("topic", "orders"),
			slog.String("connection_id", "n1-4bf92f3577b34da6a3ce929d0e0e4736"),
			slog.String("client_id", "browser-17"),
			slog.Int("duration_ms", 3))
	}
	b.StopTimer()
}
