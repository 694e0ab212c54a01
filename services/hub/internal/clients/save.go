package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options are what a Table is opened with.
type Options struct {
	// Path is the journal's file; empty: nothing is kept beyond this process.
	Path string
	// Failed is told when a save fails. It is tried again.
	Failed func(error)
}

// Open reads what is remembered and starts to save. Close ends it.
func Open(o Options) (*Table, error) {
	t := &Table{
		now:     time.Now,
		failed:  o.Failed,
		clients: map[string]*client{},
		changed: map[*client]struct{}{},
		saved:   make(chan struct{}),
		urgent:  make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if o.Path == "" {
		close(t.done)
		return t, nil
	}
	j, lines, err := openJournal(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open the named clients: %w: let the hub write that file, or remove it to forget them", err)
	}
	t.journal = j
	t.restore(lines)
	go t.run()
	return t, nil
}

// restore takes over the clients of an earlier run, for as long as they are
// remembered.
func (t *Table) restore(lines []line) {
	slices.SortFunc(lines, func(a, b line) int { return a.Seen.Compare(b.Seen) })
	for _, l := range lines {
		if t.now().Sub(l.Seen) > MaxAway {
			continue
		}
		c := &client{name: l.Client, acknowledged: l.Acknowledged, sent: l.Sent, seen: l.Seen}
		t.clients[c.name] = c
		c.element = t.away.PushBack(c)
	}
	for len(t.clients) > MaxClients {
		t.forgetFirst()
	}
}

func (t *Table) run() {
	defer close(t.done)
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-t.urgent:
		case <-t.stop:
			t.save()
			return
		}
		t.save()
	}
}

// save writes what has changed, and lets those go on who wait for it, also
// where it fails.
func (t *Table) save() {
	t.mu.Lock()
	t.expire()
	if t.now().Sub(t.noted) >= signOfLife {
		t.noted = t.now()
		for _, c := range t.clients {
			if c.open > 0 {
				t.changed[c] = struct{}{}
			}
		}
	}
	lines := make([]line, 0, len(t.changed))
	for c := range t.changed {
		lines = append(lines, t.lineOf(c))
	}
	changed := t.changed
	t.changed = map[*client]struct{}{}
	saved := t.saved
	t.saved = make(chan struct{})
	var all []line
	if t.journal.outdated(len(t.clients)) {
		for _, c := range t.clients {
			all = append(all, t.lineOf(c))
		}
	}
	t.mu.Unlock()

	err := t.journal.append(lines)
	if err == nil && all != nil {
		err = t.journal.rewrite(all)
	}
	if err != nil {
		t.again(changed)
		if t.failed != nil {
			t.failed(err)
		}
	}
	close(saved)
}

// again marks clients whose save has failed.
func (t *Table) again(changed map[*client]struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range changed {
		if t.clients[c.name] == c {
			t.changed[c] = struct{}{}
		}
	}
}

// Close saves what has changed, unless ctx ends before.
func (t *Table) Close(ctx context.Context) error {
	t.mu.Lock()
	already := t.closed
	t.closed = true
	t.mu.Unlock()
	if !already {
		close(t.stop)
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return errors.New("the named clients could not be saved in time")
	}
	if t.journal == nil {
		return nil
	}
	return t.journal.close()
}
