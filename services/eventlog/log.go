package eventlog

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// Options are the limits of a Log. The zero value sets none.
type Options struct {
	// MemoryBudget bounds the bytes of the hot tails of all topics together
	// with what readers pin, in bytes. One topic may take half of it, or all of
	// it where no store is behind it. 0: no limit.
	MemoryBudget int64
	// Dropped is told what became of the events of a topic that is known no more.
	// It must not call the log; nil: nobody is.
	Dropped func(topic string, a Account)
}

// Log is a set of topics in a store, with their hot tails in memory. Its
// methods are safe for concurrent use.
type Log struct {
	store      Store
	deep       bool // whether the store holds what the tails don't
	topicLimit int64
	budget     budget
	opened     time.Time
	dropped    func(string, Account)    // nil: nobody is told
	shared     atomic.Uint64            // fetches that another one's page made needless
	encoding   atomic.Pointer[encoding] // the last one, to be used again; nil: it is in use

	mu     sync.RWMutex
	topics map[string]*Topic // those that exist and those that are followed

	orderMu sync.Mutex // taken before a topic's mutex
	order   list.List  // of *Topic with resident blocks, idle longest first
}

// Open starts a store and returns the log over it.
func Open(s Store, o Options) (*Log, error) {
	l := &Log{store: s, opened: time.Now(), deep: true, topicLimit: o.MemoryBudget / 2, dropped: o.Dropped, topics: map[string]*Topic{}}
	l.budget.limit = o.MemoryBudget
	if m, ok := unwrap(s).(*memory); ok {
		l.deep, l.topicLimit, m.log = false, o.MemoryBudget, l
	}
	l.mu.Lock() // what the store reports from now on comes after its states
	defer l.mu.Unlock()
	states, err := s.Start(l)
	if err != nil {
		return nil, err
	}
	for name, state := range states {
		t := l.newTopic(name)
		t.exists, t.state = true, state
		l.topics[t.name] = t
	}
	return l, nil
}

// unwrap returns the store that other stores only wrap.
func unwrap(s Store) Store {
	for {
		w, ok := s.(interface{ Unwrap() Store })
		if !ok {
			return s
		}
		s = w.Unwrap()
	}
}

// Close closes the store. Readers can still read what is resident.
func (l *Log) Close() error { return l.store.Close() }

// Append commits an entry to a topic, creating it where it does not exist,
// and returns its id once it is durable and visible to readers; or the id of
// the event that an earlier append with the same idempotency key has committed.
// The errors are those of [Store], and one for what is no topic's name.
func (l *Log) Append(ctx context.Context, topic string, e Entry) (Receipt, error) {
	one := singles.Get().(*[1]Entry)
	one[0] = e
	r := l.AppendAll(ctx, topic, one[:])[0]
	one[0] = Entry{}
	singles.Put(one)
	return r.Receipt, r.Err
}

// singles are batches of one entry: stores keep nothing of them.
var singles = sync.Pool{New: func() any { return new([1]Entry) }}

// AppendAll commits entries to one topic in one step, and answers for each, as
// [Store] says of its Append.
func (l *Log) AppendAll(ctx context.Context, topic string, entries []Entry) []Result {
	if !wire.ValidTopic(topic) {
		return FailAll(len(entries), fmt.Errorf("append: not a topic name: %q", topic))
	}
	if len(entries) == 0 {
		return nil
	}
	return l.store.Append(ctx, topic, entries)
}

// Follow returns a topic for reading and keeps it until Leave. A topic that
// does not exist is not created by it.
func (l *Log) Follow(name string) *Topic {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topics[name]
	if t == nil {
		t = l.newTopic(name)
		l.topics[t.name] = t
	}
	t.refs++
	return t
}

// Leave ends what one Follow began.
func (l *Log) Leave(t *Topic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.refs--
	l.drop(t)
}

// drop removes a topic that neither exists nor is followed. l.mu is held.
func (l *Log) drop(t *Topic) {
	if _, exists := t.State(); t.refs > 0 || exists {
		return
	}
	if l.topics[t.name] == t {
		delete(l.topics, t.name)
		if a := t.account(); l.dropped != nil && a != (Account{}) {
			l.dropped(t.name, a)
		}
	}
	for t.dropOne() {
	}
	l.orderMu.Lock()
	defer l.orderMu.Unlock()
	if t.element != nil {
		l.order.Remove(t.element)
		t.element = nil
	}
}

// Info is what is known of one existing topic.
type Info struct {
	Name     string
	State    State
	HotBytes int64 // memory that its resident blocks take
	Hot      int   // events in these
}

// Topics lists the topics that exist, by name.
func (l *Log) Topics() []Info {
	var infos []Info
	for _, t := range l.all() {
		t.mu.Lock()
		if t.exists {
			infos = append(infos, Info{t.name, t.state, t.bytes, t.hot()})
		}
		t.mu.Unlock()
	}
	slices.SortFunc(infos, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return infos
}

// Count returns how many topics exist.
func (l *Log) Count() (n int) {
	for _, t := range l.all() {
		if _, exists := t.State(); exists {
			n++
		}
	}
	return n
}

// State returns what is known of a topic, and whether it exists.
func (l *Log) State(topic string) (State, bool) {
	l.mu.RLock()
	t := l.topics[topic]
	l.mu.RUnlock()
	if t == nil {
		return State{}, false
	}
	return t.State()
}

// SharedFetches returns how many calls of Fetch found that another had read
// the same page while they waited for their turn.
func (l *Log) SharedFetches() uint64 { return l.shared.Load() }

// Memory returns the bytes in the account of the memory budget.
func (l *Log) Memory() int64 { return l.budget.used.Load() }

// Keys returns what the store remembers of idempotency keys; nothing where it
// does not say.
func (l *Log) Keys() KeyStats {
	if s, ok := unwrap(l.store).(interface{ Keys() KeyStats }); ok {
		return s.Keys()
	}
	return KeyStats{}
}

// Pressed reports whether the account is over the budget even though every
// block that could be evicted was: readers must give up their pins.
func (l *Log) Pressed() bool {
	l.evict()
	return l.budget.over()
}

// Committed implements Sink.
func (l *Log) Committed(topic string, events []Event) {
	if len(events) == 0 {
		return
	}
	t := l.topic(topic)
	t.commit(events)
	l.touch(t)
	l.evict()
}

// Trimmed implements Sink.
func (l *Log) Trimmed(topic string, s State) { l.topic(topic).trimmed(s) }

// Forgotten implements Sink. Who follows the topic keeps its position, which
// every later id exceeds.
func (l *Log) Forgotten(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topics[topic]
	if t == nil {
		return
	}
	t.setExists(false)
	l.drop(t)
}

// newTopic makes a topic with a name of its own: what it is given is part of a
// request, which would stay as long as the name. It is the key in l.topics, too.
func (l *Log) newTopic(name string) *Topic {
	return &Topic{log: l, name: strings.Clone(name), fetching: make(chan struct{}, 1)}
}

// topic returns a topic that its store reports, known so far or not. It
// exists from then on, so that nobody who leaves it takes it away.
func (l *Log) topic(name string) *Topic {
	l.mu.RLock()
	t := l.topics[name]
	if t != nil {
		t.setExists(true)
	}
	l.mu.RUnlock()
	if t != nil {
		return t
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t = l.topics[name]; t == nil {
		t = l.newTopic(name)
		l.topics[t.name] = t
	}
	t.setExists(true)
	return t
}

func (l *Log) all() []*Topic {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := make([]*Topic, 0, len(l.topics))
	for _, t := range l.topics {
		all = append(all, t)
	}
	return all
}

// touch makes a topic with resident blocks the last to give way.
func (l *Log) touch(t *Topic) {
	l.orderMu.Lock()
	defer l.orderMu.Unlock()
	if t.element == nil {
		t.element = l.order.PushBack(t)
	} else {
		l.order.MoveToBack(t.element)
	}
}

// evict brings the account back into the budget, as far as pins allow.
func (l *Log) evict() {
	if !l.budget.over() {
		return
	}
	l.orderMu.Lock()
	defer l.orderMu.Unlock()
	for l.budget.over() && l.order.Len() > 0 {
		t := l.order.Front().Value.(*Topic)
		if !t.dropOne() {
			l.order.Remove(t.element)
			t.element = nil
		}
	}
}
