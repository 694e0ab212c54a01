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
	events map[string][]eventlog.Event
}

func publishTo(log *eventlog.Log) *published {
	return &published{log: log, events: map[string][]eventlog.Event{}}
}

// body is a body as it goes over the wire, padded to about n bytes.
func body(n int, format string, args ...any) []byte {
	b := fmt.Appendf(nil, "data: "+format, args...)
	for len(b) < n {
		b = append(b, '.')
	}
	return append(b, "\n\n"...)
}

// append publishes one event. Only one goroutine may use a topic.
func (p *published) append(t *testing.T, topic string, b []byte) eventlog.ID {
	t.Helper()
	receipt, err := p.log.Append(context.Background(), topic, eventlog.Entry{Body: b})
	id := receipt.ID
	if err != nil {
		t.Errorf("append to %s: %v", topic, err)
		return id
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events[topic] = append(p.events[topic], eventlog.Event{ID: id, Body: b})
	return id
}

// many publishes n events of about size bytes each.
func (p *published) many(t *testing.T, topic string, n, size int) {
	t.Helper()
	for i := range n {
		p.append(t, topic, body(size, "%s %d", topic, i))
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
				p.append(t, topic, body(0, "%d", i))
			}
		})
	}
	wg.Wait()
	slices.SortFunc(p.events[topic], func(a, b eventlog.Event) int { return a.ID.Compare(b.ID) })
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
func (p *published) snapshot(topic string) []eventlog.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[topic]
}
