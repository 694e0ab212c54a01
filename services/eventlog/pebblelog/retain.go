package pebblelog

import (
	"math"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

const (
	retainEvery  = time.Second
	retainAgain  = 5 * time.Millisecond // while there is more to take
	retainEvents = 20_000               // that one step takes, or
	retainKeyed  = 2_000                // of those that are about keys

	// What is a little over its limits is trimmed that seldom: each time leaves a
	// range deletion in each topic, which every reader has to pass until it is
	// compacted.
	retainTopic = 10 * time.Second
	retainShare = 16 // a sixteenth of a limit is a little
)

// cut is what retention takes from a topic.
type cut struct {
	name    string
	born    eventlog.ID // of the topic that was looked at
	through eventlog.ID // everything at or below
	gone    count
	oldest  eventlog.ID // what stays; zero: nothing that was there
	keys    []string    // of what is taken
}

// retention finds what has to go. It has a goroutine of its own, so that no
// publisher waits while it reads; the committer takes what it finds.
type retention struct {
	store *Store
	eventlog.Retention
	last   map[string]time.Time // when a topic was trimmed
	shares time.Time            // when the limit of all topics together was applied
}

// retain applies retention until the store is closed.
func (s *Store) retain() {
	defer close(s.retained)
	r := &retention{store: s, Retention: s.options.Retention, last: map[string]time.Time{}}
	for _, limit := range []*int64{&r.Events, &r.Bytes, &r.TotalBytes} {
		if *limit <= 0 {
			*limit = math.MaxInt64
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		wait := retainEvery
		if r.pass() {
			wait = retainAgain
		}
		timer.Reset(wait)
	}
}

// pass looks at all topics once, and reports whether there is more to do.
func (r *retention) pass() (more bool) {
	cuts, full, err := r.own()
	if err != nil {
		return false // readers meet the same
	}
	if keys, ok := r.take(cuts); !ok || full || keys {
		return ok
	}
	if cuts, full, err = r.shared(); err != nil || len(cuts) == 0 {
		return false
	}
	_, ok := r.take(cuts)
	return ok && full
}

// take has the committer take something, and waits until it is known. It
// reports whether there are more idempotency keys to forget; not ok: the store
// is closing or broken.
func (r *retention) take(cuts []*cut) (keys, ok bool) {
	step := &step{cuts: cuts, done: make(chan struct{})}
	select {
	case r.store.steps <- step:
	case <-r.store.stop:
		return false, false
	}
	<-step.done
	return step.keys, !step.failed
}

// step is a part of retention's work that the committer does.
type step struct {
	cuts   []*cut
	keys   bool // there are more idempotency keys to forget
	failed bool
	done   chan struct{}
}

// over is a topic that is over its own limits.
type over struct {
	name  string
	known known
}

// own finds what topics' own limits want gone.
func (r *retention) own() (cuts []*cut, full bool, err error) {
	now := time.Now()
	oldest := r.oldest()
	left := budget{events: retainEvents, keyed: retainKeyed}
	for _, t := range r.over(oldest, now) {
		s := t.known.State
		c, err := r.store.scan(t.name, t.known, &left, func(id eventlog.ID, taken count) bool {
			return id.MS < oldest || int64(taken.events) < s.Events-r.Events || int64(taken.bytes) < s.Bytes-r.Bytes
		})
		if err != nil {
			return nil, false, err
		}
		if c.through != s.Trimmed {
			cuts = append(cuts, c)
		}
		if left.used() {
			return cuts, true, nil
		}
		r.last[t.name] = now
	}
	return cuts, false, nil
}

// oldest returns the milliseconds from which on nothing is too old.
func (r *retention) oldest() uint64 {
	if r.Age <= 0 {
		return 0
	}
	return uint64(max(r.store.now().Add(-r.Age).UnixMilli(), 0))
}

// over returns the topics to be trimmed.
func (r *retention) over(oldest uint64, now time.Time) (all []over) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	for name, t := range r.store.topics {
		s := t.State
		if s.Events == 0 || s.Oldest.MS >= oldest && s.Events <= r.Events && s.Bytes <= r.Bytes {
			continue
		}
		much := s.Events-r.Events > r.Events/retainShare || s.Bytes-r.Bytes > r.Bytes/retainShare
		if much || now.Sub(r.last[name]) >= retainTopic {
			all = append(all, over{name, t})
		}
	}
	for name := range r.last {
		if _, ok := r.store.topics[name]; !ok {
			delete(r.last, name)
		}
	}
	return all
}

// budget bounds what one step takes.
type budget struct{ events, keyed int }

func (b *budget) used() bool { return b.events <= 0 || b.keyed <= 0 }

// scan finds how far a topic is to be trimmed: it takes from the oldest record
// on, as long as gone says so of a record and of what was taken before it.
func (s *Store) scan(name string, t known, left *budget, gone func(id eventlog.ID, taken count) bool) (*cut, error) {
	c := &cut{name: name, born: t.Born, through: t.Trimmed, gone: t.gone}
	it, err := s.records(name, t.Trimmed, t.Last)
	if err != nil {
		return nil, err
	}
	defer it.close()
	for {
		ok, err := it.next()
		if err != nil {
			return nil, err
		}
		if !ok { // nothing that can be read stays
			c.through = t.Last
			return c, nil
		}
		id, p := it.event.ID, it.place
		taken := count{p.Events - 1 - t.gone.events, p.Bytes - uint64(p.Size) - t.gone.bytes}
		if left.used() || !gone(id, taken) {
			c.oldest = id
			return c, nil
		}
		c.through, c.gone = id, count{p.Events, p.Bytes}
		left.events--
		if it.event.Key != "" {
			c.keys = append(c.keys, it.event.Key)
			left.keyed--
		}
	}
}
