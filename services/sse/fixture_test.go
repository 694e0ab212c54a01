package sse_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// patience is how long anything may take before a test gives up.
const patience = 20 * time.Second

// fixture is a handler behind a real server on a real socket.
type fixture struct {
	*ledger
	t        testing.TB
	h        *sse.Handler
	server   *httptest.Server
	addr     string
	observer *observer
	meter    *meter
	errors   lockedBuffer // what net/http logged
	noisy    bool         // net/http may log
}

// options are what tests change of a fixture. The zero value is a Memory log
// without limits behind the handler's own listener.
type options struct {
	store    eventlog.Store
	budget   int64
	handler  *sse.Handler // its options; Log and Observer are set by serve
	route    func(sse http.Handler) http.Handler
	listener func(net.Listener) net.Listener // around the TCP listener
	foreign  bool                            // serve without Handler.Listener
	tls      bool                            // HTTP/2 over TLS
	config   func(*http.Server)
	noisy    bool

	unmetered bool // the handler has no Meter
}

// serve starts a server. At the end of the test it shuts down and must have
// let go of everything.
func serve(t testing.TB, o options) *fixture {
	t.Helper()
	leaks.Of(t)
	if o.store == nil {
		o.store = eventlog.Memory(eventlog.MemoryOptions{})
	}
	if o.handler == nil {
		o.handler = &sse.Handler{}
	}
	events, err := eventlog.Open(o.store, eventlog.Options{MemoryBudget: o.budget})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, ledger: newLedger(t, events), h: o.handler, observer: newObserver(), noisy: o.noisy}
	f.h.Log, f.h.Observer = events, f.observer
	if f.meter = newMeter(); !o.unmetered {
		f.h.Meter = f.meter
	}
	if f.h.Node == "" {
		f.h.Node = "n1"
	}
	f.start(&o)
	t.Cleanup(f.stop)
	return f
}

func (f *fixture) start(o *options) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	f.addr = inner.Addr().String()
	if o.listener != nil {
		inner = o.listener(inner)
	}
	if !o.foreign {
		inner = f.h.Listener(inner)
	}
	var handler http.Handler = f.h
	if o.route != nil {
		handler = o.route(f.h)
	}
	f.server = &httptest.Server{Listener: inner, EnableHTTP2: o.tls, Config: &http.Server{Handler: handler}}
	f.server.Config.ErrorLog = log.New(&f.errors, "", 0)
	if o.config != nil {
		o.config(f.server.Config)
	}
	if o.tls {
		f.server.StartTLS()
	} else {
		f.server.Start()
	}
}

// stop shuts down and re-proves what must hold after every test: the budget's
// account is what the tails hold, no stream was passed over, and nothing was
// logged.
func (f *fixture) stop() {
	if f.t.Failed() {
		for _, e := range last(f.observer.all(), 20) {
			f.t.Logf("ended: %s %v, %+v", e.reason, e.err, e.sent)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f.h.Shutdown(ctx); err != nil {
		f.t.Errorf("shutdown: %v", err)
	}
	f.server.Close()
	if st := f.h.Stats(); st.Connections != 0 {
		f.t.Errorf("%d connections are counted after the shutdown", st.Connections)
	}
	f.checkMemory()
	f.checkAccount()
	if err := f.log.Close(); err != nil {
		f.t.Errorf("close: %v", err)
	}
	if text := f.errors.String(); text != "" && !f.noisy {
		f.t.Errorf("net/http logged:\n%s", text)
	}
}

// checkAccount checks that no event was passed over, and that as many were handed
// on as sockets were sent, or more: what was on its way when a stream ended.
func (f *fixture) checkAccount() {
	delivered := uint64(0)
	f.log.Accounts(func(topic string, a eventlog.Account) {
		if a.Lost > 0 {
			f.t.Errorf("topic %s lost %d events: %+v", topic, a.Lost, a)
		}
		delivered += a.Delivered
	})
	if sent := f.h.Stats().Sent.Events; delivered < sent {
		f.t.Errorf("%d events were sent, and %d are in the account", sent, delivered)
	}
}

func last[T any](s []T, n int) []T { return s[max(0, len(s)-n):] }

// checkMemory proves that no reader has left a pin behind.
func (f *fixture) checkMemory() {
	f.t.Helper()
	hot := int64(0)
	for _, info := range f.log.Topics() {
		hot += info.HotBytes
	}
	if used := f.log.Memory(); used != hot {
		f.t.Errorf("the account says %d bytes, the tails hold %d", used, hot)
	}
}

// checkUnfollowed proves that nobody holds a topic that does not exist: it
// would be the same object for two followers in turn.
func (f *fixture) checkUnfollowed(names ...string) {
	f.t.Helper()
	for _, name := range names {
		first := f.log.Follow(name)
		f.log.Leave(first)
		second := f.log.Follow(name)
		f.log.Leave(second)
		if first == second {
			f.t.Errorf("topic %s is still followed", name)
		}
	}
}

// observer records what a handler reports.
type observer struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each report
	connected []*sse.Conn
	outcomes  [][]eventlog.Outcome
	gaps      []*eventlog.GapError
	ends      []ending
	failures  []error
	rtts      []time.Duration
	missed    int
	replays   []sse.Replay
}

type ending struct {
	conn   *sse.Conn
	reason sse.Reason
	err    error
	sent   sse.Sent
}

func newObserver() *observer { return &observer{changed: make(chan struct{})} }

func (o *observer) note(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *observer) Connected(_ context.Context, c *sse.Conn, outcomes []eventlog.Outcome, _ time.Time) {
	o.note(func() { o.connected, o.outcomes = append(o.connected, c), append(o.outcomes, outcomes) })
}

func (o *observer) Gap(_ *sse.Conn, g *eventlog.GapError) {
	o.note(func() { o.gaps = append(o.gaps, g) })
}

func (o *observer) Replayed(_ *sse.Conn, r sse.Replay) {
	o.note(func() { o.replays = append(o.replays, r) })
}

func (o *observer) Ponged(rtt time.Duration) { o.note(func() { o.rtts = append(o.rtts, rtt) }) }

func (o *observer) PingMissed() { o.note(func() { o.missed++ }) }

func (o *observer) Failed(topic string, err error) {
	o.note(func() { o.failures = append(o.failures, err) })
}

func (o *observer) Disconnected(c *sse.Conn, reason sse.Reason, err error, sent sse.Sent) {
	o.note(func() { o.ends = append(o.ends, ending{c, reason, err, sent}) })
}

// ended waits for the nth end of a stream, from 0.
func (o *observer) ended(t testing.TB, n int) ending {
	t.Helper()
	o.wait(t, fmt.Sprintf("%d streams to end", n+1), func() bool { return len(o.ends) > n })
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ends[n]
}

// all returns the ends so far.
func (o *observer) all() []ending {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.ends)
}

// wait waits until a condition on the records holds.
func (o *observer) wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	late := time.After(patience)
	for {
		o.mu.Lock()
		done, changed := ok(), o.changed
		o.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// await waits for something that nobody reports.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.buf.String())
}
