package sse_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// meter records what a handler measures.
type meter struct {
	mu       sync.Mutex
	samples  []sse.Sample
	fanouts  map[string][]sse.Fanout
	followed []sse.Delivery
}

func newMeter() *meter { return &meter{fanouts: map[string][]sse.Fanout{}} }

func (m *meter) Sampled(s sse.Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Traceparent = slices.Clone(s.Traceparent)
	m.samples = append(m.samples, s)
}

func (m *meter) FannedOut(topic string, events []sse.Fanout) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		e.Traceparent = slices.Clone(e.Traceparent)
		m.fanouts[topic] = append(m.fanouts[topic], e)
	}
}

func (m *meter) Followed(d sse.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followed = append(m.followed, d)
}

// of returns the fan-outs of a topic behind an id, by id. Each must be there
// once; streams with goroutines of their own report in any order.
func (m *meter) of(t testing.TB, topic string, behind eventlog.ID) []sse.Fanout {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(m.fanouts[topic]), func(e sse.Fanout) bool { return !behind.Less(e.ID) })
	slices.SortFunc(all, func(a, b sse.Fanout) int { return a.ID.Compare(b.ID) })
	for i := 1; i < len(all); i++ {
		if all[i-1].ID == all[i].ID {
			t.Errorf("%v is reported twice", all[i].ID)
		}
	}
	return all
}

// warm publishes until events go to so many streams, each of which reads what
// comes, and returns the last id: a stream that has only just opened is not
// waited for yet.
func (f *fixture) warm(t testing.TB, topic string, streams int, read func()) eventlog.ID {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); {
		id := f.publishTraced(topic, "warm", 999)
		read()
		for range 20 {
			got := f.meter.of(t, topic, eventlog.ID{})
			if n := len(got); n > 0 && got[n-1].ID == id && got[n-1].Connections == streams {
				return id
			}
			time.Sleep(time.Millisecond)
		}
	}
	t.Fatal("events do not reach all streams")
	return eventlog.ID{}
}

func (m *meter) sampled() []sse.Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.samples)
}

func (m *meter) deliveries() []sse.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.followed)
}

// traceparent is one of a sampled trace.
func traceparent(n int) string { return fmt.Sprintf("00-%032x-%016x-01", n+1, n+1) }

// publishTraced publishes an event that is traced.
func (f *fixture) publishTraced(topic, data string, n int) eventlog.ID {
	f.t.Helper()
	entry := eventlog.TextEntry("", data)
	entry.Traceparent = traceparent(n)
	r, err := f.log.Append(f.t.Context(), topic, entry)
	if err != nil {
		f.t.Fatal(err)
	}
	return r.ID
}

// paths are the two ways in which a stream is written.
var paths = map[string]options{
	"loop":      {},
	"goroutine": {tls: true},
}

// Every event that is published while somebody follows its topic is fanned
// out once, however they are batched and whoever comes and goes.
func TestEveryEventFansOut(t *testing.T) {
	for name, o := range paths {
		t.Run(name, func(t *testing.T) {
			f := serve(t, o)
			stays := f.follow(t, "topic=a&topic=b", "")
			stays.next()
			warm := f.warm(t, "a", 1, func() { stays.next() })
			var churn sync.WaitGroup
			stop := make(chan struct{})
			churn.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					s := f.follow(t, "topic=a", "0")
					for range 1 + rand.N(5) {
						s.next()
					}
					s.hangUp()
				}
			})
			var want []eventlog.ID
			for i := range 500 {
				want = append(want, f.publish("a", fmt.Sprint(i)))
				if i%50 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			close(stop)
			churn.Wait()
			for range want {
				stays.next()
			}
			await(t, "the fan-outs", func() bool { return len(f.meter.of(t, "a", warm)) >= len(want) })
			for i, e := range f.meter.of(t, "a", warm) {
				if e.ID != want[i] || e.Took <= 0 || e.Took > patience || e.Bytes < 20 || e.Traceparent != nil {
					t.Fatalf("fan-out %d is %+v, want %v", i, e, want[i])
				}
			}
		})
	}
}

// A reader that is stalled does not make the fan-outs of others late, and its
// own deliveries are told as what they are: slow, or never.
func TestFanoutWithAStalledReader(t *testing.T) {
	for name, o := range paths {
		t.Run(name, func(t *testing.T) {
			o.handler = &sse.Handler{WriteTimeout: 3 * time.Second}
			f := serve(t, o)
			if o.tls {
				f.follow(t, "topic=a", "") // and never reads
			} else {
				f.dial(t, 4<<10).request("GET", "/v1/events?topic=a")
			}
			reads := f.follow(t, "topic=a", "")
			reads.next()
			warm := f.warm(t, "a", 2, func() { reads.next() })
			big := strings.Repeat("x", 200<<10)
			for range 30 { // more than any buffers take
				f.publish("a", big)
				reads.next()
			}
			await(t, "the fan-outs", func() bool { return len(f.meter.of(t, "a", warm)) == 30 })
			time.Sleep(300 * time.Millisecond) // it is stalled for long
			for i := range 5 {
				f.publishTraced("a", "small", i)
				reads.next()
			}
			await(t, "the fan-outs", func() bool { return len(f.meter.of(t, "a", warm)) == 35 })
			for i, e := range f.meter.of(t, "a", warm)[30:] {
				if e.Took > time.Second {
					t.Errorf("event %d took %v although only a stalled stream did not get it", i, e.Took)
				}
				if string(e.Traceparent) != traceparent(i) || e.Connections != 1 {
					t.Errorf("event %d: %s to %d connections", i, e.Traceparent, e.Connections)
				}
				if !o.tls && (e.Stalled != 1 || e.Lag < 200*time.Millisecond) {
					t.Errorf("event %d: %d stalled, for %v", i, e.Stalled, e.Lag)
				}
			}
			f.observer.ended(t, 0)
			if o.tls {
				return // what was not begun to be written is not followed there
			}
			await(t, "what became of its deliveries", func() bool {
				return slices.ContainsFunc(f.meter.deliveries(), func(d sse.Delivery) bool {
					return d.Failed == sse.ReasonWriteTimeout && d.Took >= sse.SlowDelivery
				})
			})
		})
	}
}

// A traced event is followed to one of many streams, and to the only one.
func TestTracedEventsAreFollowed(t *testing.T) {
	for name, o := range paths {
		for _, streams := range []int{1, 40} {
			t.Run(fmt.Sprint(name, streams), func(t *testing.T) {
				o.handler = &sse.Handler{Trace: func(*http.Request) sse.Trace { return sse.Trace{ID: [16]byte{1}, Span: [8]byte{2}, Sampled: true} }}
				f := serve(t, o)
				var all []*client
				for range streams {
					s := f.follow(t, "topic=a", "")
					s.next()
					all = append(all, s)
				}
				warm := f.warm(t, "a", streams, func() {
					for _, s := range all {
						s.next()
					}
				})
				const events = 20
				isWarm := func(d sse.Delivery) bool { return !warm.Less(d.ID) }
				for i := range events {
					f.publish("a", "not traced")
					f.publishTraced("a", "traced", i)
					for _, s := range all {
						s.next()
						s.next()
					}
				}
				await(t, "the fan-outs", func() bool { return len(f.meter.of(t, "a", warm)) == 2*events })
				for i, e := range f.meter.of(t, "a", warm) {
					if i%2 == 1 && (string(e.Traceparent) != traceparent(i/2) || e.Connections != streams || e.Stalled != 0) {
						t.Errorf("event %d: %+v", i, e)
					}
				}
				most, least := events, events
				if o.tls && streams > 1 { // one in expectation
					least, most = 1, 4*events
				}
				await(t, "the deliveries", func() bool { return len(slices.DeleteFunc(f.meter.deliveries(), isWarm)) >= least })
				got := slices.DeleteFunc(f.meter.deliveries(), isWarm)
				if len(got) > most {
					t.Errorf("%d deliveries of %d events are followed", len(got), events)
				}
				for _, d := range got {
					if d.Topic != "a" || d.Conn == nil || d.Conn.Trace.Span != [8]byte{2} || d.Failed != "" || d.Took <= 0 || d.Took > patience || len(d.Traceparent) != 55 {
						t.Errorf("%+v", d)
					}
				}
			})
		}
	}
}

// What was there at the handshake is a replay, exactly, and all else is live.
func TestReplaysAreCounted(t *testing.T) {
	for name, o := range paths {
		for _, query := range []string{"topic=a", "topic=a&topic=b"} {
			t.Run(name+query, func(t *testing.T) {
				f := serve(t, o)
				for i := range 100 {
					f.publish("a", fmt.Sprint(i))
				}
				s := f.follow(t, query+"&last_event_id=0", "")
				for i := range 50 {
					f.publish("a", fmt.Sprint(100+i))
				}
				size := uint64(0) // of what is replayed
				s.next()
				for i := range 150 {
					if m := s.next(); i < 100 {
						size += uint64(len("id: \ndata: \n\n") + len(m.ID) + len(m.Data))
					}
				}
				await(t, "the counts", func() bool { return f.h.Stats().Sent.Events == 150 })
				if st := f.h.Stats(); st.ReplayedMemory != 100 || st.ReplayedStore != 0 || st.ReplayedBytes != size {
					t.Errorf("%d and %d replayed, of %d bytes, want 100 and 0, of %d", st.ReplayedMemory, st.ReplayedStore, st.ReplayedBytes, size)
				}
				f.observer.wait(t, "the replay's end", func() bool { return len(f.observer.replays) == 1 })
				if r := f.observer.replays[0]; r.Topic != "a" || r.Events != 100 || r.Tier != sse.TierMemory || r.Took <= 0 {
					t.Errorf("%+v", r)
				}
				// So few are all sampled, after they are counted.
				await(t, "the samples", func() bool { return len(f.meter.sampled()) >= 150 })
				live, replay := 0, 0
				for _, s := range f.meter.sampled() {
					if s.Path == sse.PathReplay {
						replay++
					} else {
						live++
					}
				}
				if live != 50 || replay != 100 {
					t.Errorf("%d live and %d replayed samples", live, replay)
				}
			})
		}
	}
}

// What a server says of itself is in no count and no measurement.
func TestOwnTopicsAreNotCounted(t *testing.T) {
	for name, o := range paths {
		for _, query := range []string{"topic=hub.x", "topic=hub.x&topic=a"} {
			t.Run(name+query, func(t *testing.T) {
				own, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer own.Close()
				o.handler = &sse.Handler{Own: own}
				f := serve(t, o)
				s := f.follow(t, query, "")
				s.next()
				var sent sse.Sent
				await(t, "the opening to be counted", func() bool { sent = f.h.Stats().Sent; return sent.Bytes > 0 })
				for range 10 {
					if _, err := own.Append(t.Context(), "hub.x", eventlog.TextEntry("", "figures")); err != nil {
						t.Fatal(err)
					}
					s.next()
				}
				after := f.h.Stats().Sent
				if framing := after.Bytes - sent.Bytes; after.Events != 0 || framing > 10*10 {
					t.Errorf("%d events and %d bytes are counted", after.Events, framing)
				}
				if len(f.meter.of(t, "hub.x", eventlog.ID{})) > 0 || len(f.meter.sampled()) > 0 {
					t.Error("they are measured")
				}
			})
		}
	}
}
