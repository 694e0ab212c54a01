package main

import (
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// ledger is what publishers and subscribers of a test say about the same
// events, for their accounts to be compared.
type ledger struct {
	topics map[string]*account
}

// account is the part of one topic.
type account struct {
	mu       sync.Mutex
	answered map[eventlog.ID]string // what was answered 201, by its id
	open     map[string]bool        // payloads whose answer was lost
	seen     map[eventlog.ID]*string
}

func newLedger(topics []string) *ledger {
	l := &ledger{topics: map[string]*account{}}
	for _, topic := range topics {
		l.topics[topic] = &account{answered: map[eventlog.ID]string{}, open: map[string]bool{}, seen: map[eventlog.ID]*string{}}
	}
	return l
}

// published records an answer, or the lack of one.
func (l *ledger) published(topic, payload string, id eventlog.ID, err error) error {
	a := l.topics[topic]
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.open[payload] = true
		return nil
	}
	if other, ok := a.answered[id]; ok {
		return fmt.Errorf("%s: two publishes were answered %v: %.40q and %.40q", topic, id, other, payload)
	}
	a.answered[id] = payload
	return nil
}

// delivered records that a subscriber got an event, and returns the payload
// that all share.
func (l *ledger) delivered(topic string, id eventlog.ID, payload string) (*string, error) {
	a := l.topics[topic]
	a.mu.Lock()
	defer a.mu.Unlock()
	first, ok := a.seen[id]
	if !ok {
		a.seen[id] = &payload
		return &payload, nil
	}
	if *first != payload {
		return first, fmt.Errorf("%s: %v was %.40q for one subscriber and %.40q for another", topic, id, *first, payload)
	}
	return first, nil
}

// events returns what there must be of a topic, in order: everything that was
// answered 201, and of the rest what anybody has seen. What does not add up is
// an error.
func (l *ledger) events(topic string) ([]*string, []error) {
	a := l.topics[topic]
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for id, payload := range a.answered {
		switch seen := a.seen[id]; {
		case seen == nil:
			errs = append(errs, fmt.Errorf("%s: %v was answered 201 and nobody got it", topic, id))
		case *seen != payload:
			errs = append(errs, fmt.Errorf("%s: %v was %.40q for its publisher and %.40q for subscribers", topic, id, payload, *seen))
		}
	}
	ids := make([]eventlog.ID, 0, len(a.seen))
	extra := map[string]bool{}
	for id, payload := range a.seen {
		ids = append(ids, id)
		if _, ok := a.answered[id]; ok {
			continue
		}
		// Its answer was lost when the hub was killed. It counts, once.
		if !a.open[*payload] || extra[*payload] {
			errs = append(errs, fmt.Errorf("%s: %v was never published so: %.40q", topic, id, *payload))
		}
		extra[*payload] = true
	}
	slices.SortFunc(ids, eventlog.ID.Compare)
	events := make([]*string, len(ids))
	for i, id := range ids {
		events[i] = a.seen[id]
	}
	return events, errs
}
