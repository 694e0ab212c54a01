package logs

import (
	"context"
	"io"
	"maps"
	"reflect"
	"sync"
	"testing"
	"time"
)

// more than the queue holds.
const flood = lokiLines + 5000

func logMany(l *Logs, n int) {
	logger := l.Logger()
	for i := range n {
		logger.Info("stream opened", "event_type", "sse_connect", "n", i)
	}
}

func closeWithin(t *testing.T, l *Logs, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	began := time.Now()
	l.Close(ctx)
	if took := time.Since(began); took > d+2*time.Second {
		t.Errorf("close took %v, its time was %v", took, d)
	}
}

func wantReasons(t *testing.T, dropped map[string]int, reasons ...string) {
	t.Helper()
	want := map[string]bool{}
	for _, r := range reasons {
		want[r] = true
	}
	got := map[string]bool{}
	for r, n := range dropped {
		got[r] = n > 0
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("dropped %v, want the reasons %v", dropped, reasons)
	}
}

// account is what Logs said of its lines.
type account struct {
	mu      sync.Mutex
	sent    int
	dropped map[string]int
}

func (a *account) snapshot() (sent int, dropped map[string]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent, maps.Clone(a.dropped)
}

// awaitAll waits until every line that was logged is accounted for: a push
// that was left behind at Close is counted a moment later.
func (a *account) awaitAll(t *testing.T, logged int) (sent int, dropped map[string]int) {
	t.Helper()
	eventually(t, "an account of every line", func() bool {
		sum := 0
		sent, dropped = a.snapshot()
		for reason, n := range dropped {
			if reason != StdoutFull {
				sum += n
			}
		}
		if sent+sum > logged {
			t.Fatalf("%d sent and %v dropped of %d logged", sent, dropped, logged)
		}
		return sent+sum == logged
	})
	return sent, dropped
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// quick is a pace for tests, the same but for its scale.
func quick() pace {
	return pace{every: 10 * time.Millisecond, timeout: 2 * time.Second, tries: 3, wait: 5 * time.Millisecond}
}

func begin(t *testing.T, url string, out io.Writer, p pace) (*Logs, *account) {
	t.Helper()
	a := &account{dropped: map[string]int{}}
	l, err := start(Options{
		Out: out, LokiURL: url, Service: "hub", Environment: "test",
		Dropped: func(reason string, lines int) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.dropped[reason] += lines
		},
		Sent: func(lines int) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.sent += lines
		},
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	return l, a
}
