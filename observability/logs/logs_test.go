package logs

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// Lines have slog's fields and the service; their level makes the stream.
func TestLines(t *testing.T) {
	server := answers(t, 204)
	var out bytes.Buffer
	o := Options{Out: &out, LokiURL: server.URL, Service: "hub", Environment: "test", Level: slog.LevelDebug - 4}
	l, err := start(o, quick())
	if err != nil {
		t.Fatal(err)
	}
	logger := l.Logger().With("release", "stable")
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelDebug - 4, slog.LevelInfo, slog.LevelInfo + 2, slog.LevelWarn, slog.LevelError, slog.LevelError + 4} {
		logger.Log(t.Context(), level, "stream ended", "event_type", "sse_disconnect", "duration_ms", 12)
	}
	closeWithin(t, l, time.Minute)
	want := map[string]int{
		`{env="test", level="debug", service_name="hub"}`: 2,
		`{env="test", level="info", service_name="hub"}`:  2,
		`{env="test", level="warn", service_name="hub"}`:  1,
		`{env="test", level="error", service_name="hub"}`: 2,
	}
	if !maps.Equal(server.streams, want) {
		t.Errorf("streams %v, want %v", server.streams, want)
	}
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, []string{"duration_ms", "event_type", "level", "msg", "release", "service_name", "time"}) {
			t.Errorf("fields %v", got)
		}
	}
}

// However many log at once, Loki gets what standard output got, in its order.
func TestConcurrent(t *testing.T) {
	server := answers(t, 204)
	var out bytes.Buffer
	l, a := begin(t, server.URL, &out, quick())
	var all sync.WaitGroup
	for n := range 8 {
		logger := l.Logger().With("n", n)
		all.Go(func() {
			for i := range 500 {
				logger.Info("one", "i", i, "nested", nested{logger})
			}
		})
	}
	all.Wait()
	closeWithin(t, l, time.Minute)
	if sent, _ := a.awaitAll(t, 8000); sent != 8000 {
		t.Errorf("%d sent", sent)
	}
	if got := strings.Join(server.lines, "\n") + "\n"; got != out.String() {
		t.Error("Loki's lines are not those of standard output")
	}
}

// nested logs while it is logged, which must not deadlock.
type nested struct{ logger *slog.Logger }

func (n nested) LogValue() slog.Value {
	n.logger.Info("another")
	return slog.IntValue(1)
}

// Without Loki there is standard output alone; after Close there is nothing,
// counted.
func TestStdoutOnly(t *testing.T) {
	var out bytes.Buffer
	l, a := begin(t, "", &out, quick())
	l.Logger().Info("here")
	closeWithin(t, l, time.Minute)
	l.Logger().Info("late")
	if _, dropped := a.snapshot(); !maps.Equal(dropped, map[string]int{StdoutFull: 1}) || l.Depth() != 0 {
		t.Errorf("dropped %v, %d wait", dropped, l.Depth())
	}
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"msg":"here"`) {
		t.Errorf("wrote %s", text)
	}
}

func TestLateLinesAreCounted(t *testing.T) {
	l, a := begin(t, answers(t, 204).URL, io.Discard, quick())
	closeWithin(t, l, time.Minute)
	logMany(l, 3)
	if _, dropped := a.snapshot(); !maps.Equal(dropped, map[string]int{outbox.Shutdown: 3, StdoutFull: 3}) {
		t.Errorf("dropped %v", dropped)
	}
}

// An address is completed, its user is used and never said.
func TestPushAddress(t *testing.T) {
	for from, want := range map[string]string{
		"http://127.0.0.1:3100":                    "http://127.0.0.1:3100/loki/api/v1/push",
		"http://127.0.0.1:3100/":                   "http://127.0.0.1:3100/loki/api/v1/push",
		"https://gate.example/logs/":               "https://gate.example/logs/loki/api/v1/push",
		"https://gate.example/loki/api/v1/push":    "https://gate.example/loki/api/v1/push",
		"https://u:hunter2@gate.example/api/push":  "https://gate.example/api/push",
		"http://loki:3100/loki/api/v1/push?org=12": "http://loki:3100/loki/api/v1/push?org=12",
	} {
		got, user, err := pushAddress(from)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", from, got, err, want)
		}
		if strings.Contains(from, "@") != (user != nil) {
			t.Errorf("%s: user %v", from, user)
		}
	}
	for _, from := range []string{"loki:3100", "127.0.0.1:3100", "ftp://u:hunter2@h", "http://", "http://u:hunter2@h:x", "http://u:hunt er2@h", "http://u:hunter2\x7f@h"} {
		_, err := New(Options{Out: io.Discard, Service: "hub", Environment: "test", LokiURL: from})
		if err == nil || strings.Contains(err.Error(), "hunt") {
			t.Errorf("%q: %v", from, err)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	server := answers(t, 401)
	var out bytes.Buffer
	l, a := begin(t, strings.Replace(server.URL, "//", "//u:hunter2@", 1), &out, quick())
	logMany(l, 1)
	a.awaitAll(t, 1)
	closeWithin(t, l, time.Minute)
	if !slices.Equal(server.users, []string{"u:hunter2"}) {
		t.Errorf("users %q", server.users)
	}
	if text := out.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "401") {
		t.Errorf("said %s", text)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no output":      {Service: "hub"},
		"no service":     {Out: io.Discard},
		"no environment": {Out: io.Discard, Service: "hub", LokiURL: "http://127.0.0.1:3100"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What is read from a line is what slog wrote, whatever else is in it.
func TestReadingLines(t *testing.T) {
	const (
		start = `{"time":"2026-01-02T03:04:05.000000006+01:00","level":"WARN+2","msg":"\"trace_id\":\"no\"",`
		ids   = `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"`
	)
	line := start + ids + `,"level":"mine","time":"mine"}`
	if got := lineTime(line); !got.Equal(time.Date(2026, 1, 2, 2, 4, 5, 6, time.UTC)) {
		t.Errorf("time %v", got)
	}
	if got := lineLevel(line); got != "WARN" {
		t.Errorf("level %q", got)
	}
	if got := lineIDs(line); len(got) != 2 || got[0].Value != "4bf92f3577b34da6a3ce929d0e0e4736" || got[1].Value != "00f067aa0ba902b7" {
		t.Errorf("ids %v", got)
	}
	for _, line := range []string{start + `"a":1}`, `{"trace_id":"a\"b"}`, `{"trace_id":""}`, `{"trace_id":7}`, `{"trace_id":"` + strings.Repeat("a", 65) + `"}`} {
		if got := lineIDs(line); got != nil {
			t.Errorf("%s: ids %v", line, got)
		}
	}
	if age := time.Since(lineTime(`{"level":"INFO","msg":"no time"}`)); age < 0 || age > time.Minute {
		t.Errorf("a line without its time is %v old", age)
	}
}

func TestSampler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSampler(3, 10)
		allowed := func(sampled bool) (n int) {
			for range 100 {
				if s.Allow(sampled) {
					n++
				}
			}
			return n
		}
		if got := allowed(false); got != 3 {
			t.Errorf("%d lines at once, want 3", got)
		}
		if got := allowed(true); got != 10 {
			t.Errorf("%d lines with a sampled trace, want 10", got)
		}
		time.Sleep(time.Second)
		if got := allowed(true); got != 13 {
			t.Errorf("%d lines a second later, want both budgets", got)
		}
		time.Sleep(time.Hour)
		if got := allowed(false); got != 3 {
			t.Errorf("%d lines after an hour, want 3", got)
		}
	})
}
