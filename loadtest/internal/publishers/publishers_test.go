package publishers

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/mark"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
	"github.com/sluice-stream/sluice/observability/backends/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Check(m.Run())) }

// hub takes publishes, remembers idempotency keys, and does what a test wants of
// it.
type hub struct {
	*httptest.Server
	mu   sync.Mutex
	keys map[string]bool
	took map[mark.Mark]int
	// Before may answer a request in the hub's place.
	before func(w http.ResponseWriter, n int) bool
	n      int
}

func newHub(t *testing.T, before func(w http.ResponseWriter, n int) bool) *hub {
	h := &hub{keys: map[string]bool{}, took: map[mark.Mark]int{}, before: before}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.n++
	n := h.n
	h.mu.Unlock()
	if h.before != nil && h.before(w, n) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	take := func(data, key string) string {
		m, found := mark.Read([]byte(data))
		if found != mark.Whole {
			return `"status":400`
		}
		if h.keys[key] {
			return `"status":200,"duplicate":true`
		}
		h.keys[key] = true
		h.took[m]++
		return `"status":201`
	}
	key := r.Header.Get("Idempotency-Key")
	if r.Header.Get("Content-Type") != "application/x-ndjson" {
		answer := take(string(body), key)
		w.WriteHeader(map[bool]int{true: 200, false: 201}[strings.Contains(answer, "duplicate")])
		fmt.Fprintf(w, "{%s}\n", answer)
		return
	}
	i := 0
	for line := range strings.Lines(string(body)) {
		i++
		var l struct{ Data json.RawMessage }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			fmt.Fprintln(w, `{"status":400}`)
			continue
		}
		fmt.Fprintf(w, "{%s}\n", take(string(l.Data), fmt.Sprint(key, "/", i)))
	}
}

func (h *hub) set(topics, connections int) *Set {
	o := Options{Run: 9, Hubs: []Hub{{Address: h.Listener.Addr().String(), Host: "hub"}}, Lanes: connections, Connections: connections,
		Path: func(topic string) string { return "/" + topic }, Size: func(*rand.Rand) int { return 128 }, Patience: 5 * time.Second}
	for i := range topics {
		o.Topics = append(o.Topics, fmt.Sprint("t", i))
	}
	return New(o)
}

// check holds what the hub took against the ledger.
func (h *hub) check(t *testing.T, s *Set, accepted uint64) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	n := uint64(0)
	for c, topics := range s.Lanes() {
		for topic, l := range topics {
			for seq := uint32(1); seq <= l.Last; seq++ {
				taken := 0
				for m, times := range h.took {
					if m.Lane == uint32(topic*s.o.Lanes+c) && m.Seq == seq {
						taken += times
					}
				}
				refused := 0
				for _, r := range l.Refused {
					if r == seq {
						refused++
					}
				}
				if taken+refused != 1 {
					t.Errorf("topic %d, lane %d, number %d: taken %d times, refused %d times", topic, c, seq, taken, refused)
				}
				n += uint64(taken)
			}
		}
	}
	if n != accepted || uint64(len(h.took)) != accepted {
		t.Errorf("the ledger has %d events, the hub %d, counted are %d", n, len(h.took), accepted)
	}
}

// Whatever the hub answers, or does not, the ledger knows of every number whether
// it is there.
func TestLedger(t *testing.T) {
	cut := func(w http.ResponseWriter) {
		nc, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			nc.Close()
		}
	}
	for name, before := range map[string]func(h **hub) func(w http.ResponseWriter, n int) bool{
		"all well": func(**hub) func(http.ResponseWriter, int) bool { return nil },
		"some refused": func(**hub) func(http.ResponseWriter, int) bool {
			return func(w http.ResponseWriter, n int) bool {
				if n%5 == 0 {
					w.WriteHeader(429)
				}
				return n%5 == 0
			}
		},
		"some fail": func(**hub) func(http.ResponseWriter, int) bool {
			return func(w http.ResponseWriter, n int) bool {
				if n%7 == 0 {
					w.WriteHeader(503)
				}
				return n%7 == 0
			}
		},
		"some cut off": func(**hub) func(http.ResponseWriter, int) bool {
			return func(w http.ResponseWriter, n int) bool {
				if n%9 == 0 {
					cut(w)
				}
				return n%9 == 0
			}
		},
	} {
		for _, batch := range []int{1, 10} {
			var h *hub
			h = newHub(t, before(&h))
			s := h.set(3, 4)
			s.Run(t.Context(), Plan{Events: 200, Batch: batch}, time.Now())
			seen := s.Look()
			refused := uint64(0)
			for _, n := range seen.Refused {
				refused += n
			}
			if seen.Accepted+refused != 200 || seen.Unknown+seen.Unsent > 0 {
				t.Errorf("%s, batches of %d: %+v", name, batch, seen.Counts)
			}
			h.check(t, s, seen.Accepted)
			s.Close()
		}
	}
}

// An answer that got lost is no event that got lost, nor one that is there twice.
func TestLostAnswers(t *testing.T) {
	var h *hub
	h = newHub(t, nil)
	inner := h.Config.Handler
	n := 0
	var mu sync.Mutex
	h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		lose := n%3 == 0
		mu.Unlock()
		if lose {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			if nc, _, err := w.(http.Hijacker).Hijack(); err == nil {
				nc.Close()
			}
			return
		}
		inner.ServeHTTP(w, r)
	})
	s := h.set(2, 2)
	defer s.Close()
	s.Run(t.Context(), Plan{Events: 60, Batch: 1}, time.Now())
	seen := s.Look()
	if seen.Accepted != 60 || seen.Duplicates == 0 || seen.Again < seen.Duplicates {
		t.Errorf("%+v", seen.Counts)
	}
	h.check(t, s, 60)
}

// What nobody answers for as long as patience lasts is unknown, and what waits
// behind it is not sent.
func TestNobodyAnswers(t *testing.T) {
	h := newHub(t, func(w http.ResponseWriter, n int) bool {
		if n > 5 {
			w.WriteHeader(503)
		}
		return n > 5
	})
	s := h.set(1, 1)
	defer s.Close()
	s.o.Patience = 300 * time.Millisecond
	s.Run(t.Context(), Plan{Rate: 100, For: 200 * time.Millisecond}, time.Now())
	seen := s.Look()
	if seen.Accepted != 5 || seen.Unknown != 1 || seen.Accepted+seen.Unknown+seen.Unsent != 20 {
		t.Errorf("%+v", seen.Counts)
	}
	if l := s.Lanes()[0][0]; l.Last != 5 || l.Doubt != 6 {
		t.Errorf("%+v", l)
	}
}

// Arrivals come at their times, whether they are answered or not, and count from
// them.
func TestOpenLoop(t *testing.T) {
	h := newHub(t, func(_ http.ResponseWriter, n int) bool {
		if n == 20 {
			time.Sleep(300 * time.Millisecond)
		}
		return false
	})
	for _, poisson := range []bool{false, true} {
		h.mu.Lock()
		h.n = 0
		h.mu.Unlock()
		s := h.set(1, 1)
		s.o.Run = 9 + uint32(len(h.took))
		began := time.Now()
		s.Run(t.Context(), Plan{Rate: 200, Poisson: poisson, For: 500 * time.Millisecond}, began)
		took := times.New()
		seen := s.Look()
		times.Merge(took, seen.Publish)
		if seen.Accepted < 60 || seen.Accepted > 140 || took.TotalCount() != int64(seen.Accepted) {
			t.Errorf("poisson %v: %+v", poisson, seen.Counts)
		}
		// Of 300 ms some 60 arrivals wait behind the one that is held up.
		if late := took.ValueAtQuantile(80); late < int64(50*time.Millisecond) {
			t.Errorf("poisson %v: four of five took at most %v", poisson, time.Duration(late))
		}
		s.Close()
	}
}
