package boltlog

import (
	"context"
	"slices"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestAppendAllSharesCommits has a batch wait for a few commits, not for one
// after the other.
func TestAppendAllSharesCommits(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(s, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const events = 1000
	before := txs(s)
	entries := slices.Repeat([]eventlog.Entry{{Body: []byte("\n")}}, events)
	for i, r := range log.AppendAll(context.Background(), "topic", entries) {
		if r.Err != nil {
			t.Fatalf("entry %d: %v", i, r.Err)
		}
	}
	if n := txs(s) - before; n > events/20 {
		t.Errorf("%d commits for %d events", n, events)
	}
}

// TestAppendAllLeaves has the store answer nobody: a batch ends with its
// context, however much of it is in the queue.
func TestAppendAllLeaves(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan []eventlog.Result)
	go func() { done <- s.AppendAll(ctx, "topic", make([]eventlog.Entry, 2*queueLen)) }()
	cancel()
	for i, r := range <-done {
		if r.Err != context.Canceled { //nolint:errorlint // the cause itself
			t.Fatalf("entry %d: %+v", i, r)
		}
	}
}
