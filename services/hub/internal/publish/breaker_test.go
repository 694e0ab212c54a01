package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/roomtest"
)

// broken is a publisher over a store that fails on demand.
type broken struct {
	*room
	t     *testing.T
	store *logtest.Faulty
}

func newBroken(t *testing.T, change func(*roomtest.Given)) *broken {
	b := &broken{t: t, store: logtest.NewFaulty(eventlog.Memory(eventlog.MemoryOptions{Keys: eventlog.KeyOptions{Most: 100}}))}
	b.room = newRoom(t, b.store, change)
	return b
}

// post publishes a body, and returns status and answer.
func (b *broken) post(body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/v1/topics/orders/events", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.http.ServeHTTP(w, r)
	return w
}

// expect publishes, and checks the statuses of the answers.
func (b *broken) expect(statuses ...int) {
	b.t.Helper()
	for i, want := range statuses {
		if w := b.post("x"); w.Code != want {
			b.t.Errorf("publish %d: %d %s, want %d", i, w.Code, w.Body, want)
		}
	}
}

// batch publishes a batch, and checks its status, and that of each line.
func (b *broken) batch(lines string, statuses ...int) {
	b.t.Helper()
	status, got := post(b.t, b.http, linesType, []byte(lines))
	if status != statuses[0] {
		b.t.Errorf("batch %q: %d, want %d", lines, status, statuses[0])
	}
	for i, want := range statuses[1:] {
		if got[i].Status != want {
			b.t.Errorf("batch %q: line %d: %+v, want %d", lines, i, got[i], want)
		}
	}
}

var fails = logtest.Fail(fmt.Errorf("%w: no space", eventlog.ErrStoreFailed))

// Exactly three failures in a row open it, and callers are told for how long.
func TestBreakerOpens(t *testing.T) {
	b := newBroken(t, nil)
	b.expect(201)
	b.store.Set(fails)
	b.expect(503, 503)
	b.store.Set(nil)
	b.expect(201)
	b.store.Set(fails)
	b.expect(503, 503, 503, 429)
	b.store.Set(nil) // it is not asked
	for _, body := range []string{"x", strings.Repeat("x", 1<<20)} {
		w := b.post(body)
		roomtest.CheckProblem(t, w.Result(), 429, "breaker-open")
		if s := w.Header().Get("Retry-After"); s != "60" && s != "59" {
			t.Errorf("Retry-After %s", s)
		}
	}
	b.batch(`{"data":"x"}`, 429)
	b.expect(429)
	for _, line := range []string{`sse_breaker_state{breaker="publish"} 2`, `sse_breaker_transitions_total{breaker="publish",to="open"} 1`,
		`sse_publishes_total{outcome="refused",topic_class="other"} 5`, `sse_rejects_total{reason="breaker_open"} 5`, `sse_publishes_total{outcome="failed",topic_class="other"} 5`} {
		if !b.counts(line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	// What is wrong with a request is said before that.
	r := httptest.NewRequest("POST", "/v1/topics/hub.x/events", strings.NewReader("x"))
	w := httptest.NewRecorder()
	b.http.ServeHTTP(w, r)
	roomtest.CheckProblem(t, w.Result(), 400, "reserved-topic")
}

// After the time one publish is tried, and decides.
func TestBreakerCloses(t *testing.T) {
	b := newBroken(t, func(g *roomtest.Given) { g.Settings.BreakerOpen = 200 * time.Millisecond })
	b.store.Set(fails)
	b.expect(503, 503, 503, 429)
	time.Sleep(250 * time.Millisecond)
	b.expect(503, 429)
	time.Sleep(250 * time.Millisecond)
	hang, release := logtest.Hang()
	tried := make(chan struct{})
	b.store.Set(func(ctx context.Context, c *logtest.Call) error {
		close(tried)
		return hang(ctx, c)
	})
	var trial sync.WaitGroup
	trial.Go(func() { b.expect(201) })
	<-tried
	b.expect(429, 429) // while one is tried
	release()
	trial.Wait()
	b.store.Set(nil)
	b.expect(201, 201)
	if !b.counts(`sse_breaker_state{breaker="publish"} 0`) {
		t.Error("it is not closed")
	}
}

// Nothing that a caller does opens it: not a publish that makes the hub panic,
// nor one that is wrong in any way, nor a hang-up.
func TestPoisonDoesNotOpenTheBreaker(t *testing.T) {
	b := newBroken(t, func(g *roomtest.Given) { g.Settings.MaxEventBytes = 100 })
	panics := func(context.Context, *logtest.Call) error { panic("poison") }
	for range 5 {
		b.store.Set(panics)
		b.expect(500, 500, 500, 500)
		b.store.Set(nil)
		for _, w := range []*httptest.ResponseRecorder{
			b.post("\xff"), b.post(strings.Repeat("x", 101)), b.post("x", "X-Event-Type", "open"), b.post("x", "Content-Encoding", "gzip"),
			b.post("{", "Content-Type", cloudType), b.post("x", "Idempotency-Key", "a", "X-Event-Key", "\x01"),
		} {
			if w.Code < 400 || w.Code >= 500 || w.Code == 429 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		b.post("first", "Idempotency-Key", "reused")
		if w := b.post("another", "Idempotency-Key", "reused"); w.Code != 422 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		b.store.Set(logtest.Fail(eventlog.ErrTooManyTopics))
		if w := b.post("x"); w.Code != 429 || !strings.Contains(w.Body.String(), "topic-limit") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		b.store.Set(logtest.Fail(context.Canceled))
		b.expect(500)
	}
	// Nor does it keep real failures from doing so.
	b.store.Set(fails)
	b.expect(503, 503)
	b.store.Set(panics)
	b.expect(500)
	b.store.Set(fails)
	b.expect(503, 429)
}

// A batch is one request: it fails where the store failed every line that was
// fit for it, and one that is stored shows that the store works.
func TestBreakerAndBatches(t *testing.T) {
	b := newBroken(t, nil)
	one, bad := `{"data":"x"}`+"\n", "nonsense\n"
	b.store.Set(fails)
	b.batch(one+one+one+one+one, 200, 503, 503, 503, 503, 503)
	b.batch(bad+one, 200, 400, 503)
	b.batch(bad+bad, 200, 400, 400) // asked nothing of the store
	b.store.Set(nil)
	b.batch(one+bad, 200, 201, 400)
	b.store.Set(fails)
	b.expect(503)
	b.batch(one, 200, 503)
	b.batch(one+bad, 200, 503, 400)
	b.batch(one, 429)
}

// One event that is stored shows that the store works, wherever in the batch it
// is; what was remembered or refused shows nothing.
func TestVerdict(t *testing.T) {
	stored, remembered := eventlog.Result{}, eventlog.Result{Receipt: eventlog.Receipt{Duplicate: true}}
	failed, refused := eventlog.Result{Err: eventlog.ErrStoreFailed}, eventlog.Result{Err: eventlog.ErrKeyReused}
	for i, row := range []struct {
		results []eventlog.Result
		want    error
	}{
		{[]eventlog.Result{failed, stored}, nil},
		{[]eventlog.Result{stored, failed}, nil},
		{[]eventlog.Result{remembered, refused, stored}, nil},
		{[]eventlog.Result{remembered, failed}, eventlog.ErrStoreFailed},
		{[]eventlog.Result{failed, refused}, eventlog.ErrStoreFailed},
		{[]eventlog.Result{remembered, remembered}, errRemembered},
		{[]eventlog.Result{refused}, eventlog.ErrKeyReused},
	} {
		if got := verdict(row.results); !errors.Is(got, row.want) {
			t.Errorf("row %d: %v, want %v", i, got, row.want)
		}
	}
}

// A store that hangs opens it as well, and what waited leaves nothing behind.
func TestBreakerOfAHangingStore(t *testing.T) {
	b := newBroken(t, func(g *roomtest.Given) { g.Times.Append = 20 * time.Millisecond })
	hang, _ := logtest.Hang()
	b.store.Set(hang)
	b.expect(504, 504, 504, 429)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			for range 100 {
				if w := b.post("x"); w.Code != 429 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	callers.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 8<<20 {
		t.Errorf("%d bytes more are in use", more)
	}
}

func TestNoBreaker(t *testing.T) {
	b := newBroken(t, func(g *roomtest.Given) { g.Settings.BreakerFailures = 0 })
	b.store.Set(fails)
	for range 20 {
		b.expect(503)
	}
	if !b.counts(`sse_breaker_state{breaker="publish"} 0`) {
		t.Error("it has a state")
	}
}

// Large bodies wait for memory, and for so long only as a body may take.
func TestLargeBodiesWait(t *testing.T) {
	b := newBroken(t, func(g *roomtest.Given) { g.Times.Body = 100 * time.Millisecond })
	if err := b.Front.Bodies.Large.Acquire(t.Context(), front.MaxBodies-10); err != nil {
		t.Fatal(err)
	}
	b.batch(`{"data":1}`, 200, 201) // of ten bytes
	w := b.post(`{"data":"too much"}`, "Content-Type", linesType)
	roomtest.CheckProblem(t, w.Result(), 429, "body-limit")
	if w.Header().Get("Retry-After") == "" {
		t.Error("when to come back is not said")
	}
	b.expect(201) // events have their own bound
	var waiting sync.WaitGroup
	b.Front.Bodies.Within = 10 * time.Second
	waiting.Go(func() { b.batch(`{"data":"waits"}`, 200, 201) })
	time.Sleep(20 * time.Millisecond)
	b.Front.Bodies.Large.Release(front.MaxBodies - 10)
	waiting.Wait()
	if !b.Front.Bodies.Large.TryAcquire(front.MaxBodies) {
		t.Error("memory was not given back")
	}
}

// A batch that does not say how long it is gives back what it did not need
// before it waits for the store.
func TestBodiesGiveBackEarly(t *testing.T) {
	b := newBroken(t, nil)
	hang, release := logtest.Hang()
	asked := make(chan struct{}, 1)
	b.store.Set(func(ctx context.Context, c *logtest.Call) error {
		asked <- struct{}{}
		return hang(ctx, c)
	})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		r := httptest.NewRequest("POST", "/v1/topics/orders/events", strings.NewReader(`{"data":1}`))
		r.Header.Set("Content-Type", linesType)
		r.ContentLength = -1
		w := httptest.NewRecorder()
		if b.http.ServeHTTP(w, r); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	<-asked
	if b.Front.Bodies.Large.TryAcquire(front.MaxBodies-9) || !b.Front.Bodies.Large.TryAcquire(front.MaxBodies-10) {
		t.Error("ten bytes hold more or less than that")
	}
	b.Front.Bodies.Large.Release(front.MaxBodies - 10)
	release()
	waiting.Wait()
	if !b.Front.Bodies.Large.TryAcquire(front.MaxBodies) {
		t.Error("memory was not given back")
	}
}

// rejectionOf is what breakers go by.
func TestStoreFailed(t *testing.T) {
	for _, row := range []struct {
		err  error
		want bool
	}{
		{eventlog.ErrStoreFailed, true}, {fmt.Errorf("append: %w", eventlog.ErrStoreFailed), true}, {context.DeadlineExceeded, true},
		{errors.New("unknown"), true}, {eventlog.ErrClosed, false}, {eventlog.ErrKeyReused, false}, {eventlog.ErrTooManyTopics, false},
		{context.Canceled, false}, {eventlog.ErrTopicEnded, false}, {&eventlog.ConditionError{}, false},
	} {
		if got := storeFailed(row.err); got != row.want {
			t.Errorf("%v: %v", row.err, got)
		}
	}
}
