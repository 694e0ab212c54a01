package logtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// published is what a test has published and got acknowledged, by topic.
type published struct {
	log *eventlog.Log

	mu     sync.Mutex
	events map[string][]Event
}

func publishTo(log *eventlog.Log) *published {
	return &published{log: log, events: map[string][]Event{}}
}

// text is the data of an event, which is about n bytes on the wire.
func text(n int, format string, args ...any) []byte {
	b := fmt.Appendf(nil, format, args...)
	for len(b)+len("data: ") < n {
		b = append(b, '.')
	}
	return b
}

// entry is an entry of an event with text.
func entry(n int, format string, args ...any) eventlog.Entry {
	return eventlog.Entry{Record: eventlog.Record{Data: text(n, format, args...)}}
}

// append publishes an entry that is new. Only one goroutine may use a topic.
func (p *published) append(t *testing.T, topic string, e eventlog.Entry) eventlog.ID {
	t.Helper()
	r, err := p.log.Append(context.Background(), topic, e)
	if err != nil || r.Duplicate {
		t.Errorf("append to %s: %+v, %v", topic, r, err)
		return r.ID
	}
	p.add(topic, r.ID, e)
	return r.ID
}

// add notes what was committed.
func (p *published) add(topic string, id eventlog.ID, e eventlog.Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events[topic] = append(p.events[topic], Event{id, wireOf(e)})
}

// wireOf is an entry as it goes over the wire.
func wireOf(e eventlog.Entry) []byte { return e.AppendBody(nil) }

// many publishes n events of about size bytes each.
func (p *published) many(t *testing.T, topic string, n, size int) {
	t.Helper()
	for i := range n {
		p.append(t, topic, entry(size, "%s %d", topic, i))
	}
}

// burst publishes n small events to one topic, many at a time.
func (p *published) burst(t *testing.T, topic string, n int) {
	t.Helper()
	const publishers = 100
	var wg sync.WaitGroup
	for k := range publishers {
		wg.Go(func() {
			for i := k; i < n; i += publishers {
				p.append(t, topic, entry(0, "%d", i))
			}
		})
	}
	wg.Wait()
	slices.SortFunc(p.events[topic], func(a, b Event) int { return a.ID.Compare(b.ID) })
}

func (p *published) check(t *testing.T) {
	t.Helper()
	CheckLog(t, p.log, p.events)
}

// at returns the id of an event of a topic; negative counts from the end.
func (p *published) at(topic string, i int) eventlog.ID {
	events := p.events[topic]
	if i < 0 {
		i += len(events)
	}
	return events[i].ID
}

// state returns a topic's state.
func (p *published) state(topic string) eventlog.State {
	f := p.log.Follow(topic)
	defer p.log.Leave(f)
	s, _ := f.State()
	return s
}

// snapshot returns what has been published to a topic so far.
func (p *published) snapshot(topic string) []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[topic]
}
