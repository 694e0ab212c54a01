package boltlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// keyed is a request with a key.
func keyed(topic, key, fingerprint string) *request {
	return newRequest(topic, keyedEntry(key, fingerprint))
}

func keyedEntry(key, fingerprint string) eventlog.Entry {
	i := &eventlog.Idempotency{}
	copy(i.Key[:], key)
	copy(i.Fingerprint[:], fingerprint)
	return eventlog.Entry{Body: []byte("data: " + key + "\n\n"), Idempotency: i}
}

// outcome is what a request was answered, in a word.
func outcome(r *request) string {
	err := <-r.answer
	switch {
	case errors.Is(err, eventlog.ErrKeyReused):
		return "reused"
	case errors.Is(err, eventlog.ErrTooManyTopics):
		return "refused"
	case errors.Is(err, eventlog.ErrStoreFailed):
		return "failed"
	case err != nil:
		return err.Error()
	case r.receipt.Duplicate:
		return "duplicate"
	}
	return "committed"
}

func wantOutcomes(t *testing.T, rs []*request, want ...string) {
	t.Helper()
	for i, r := range rs {
		if got := outcome(r); got != want[i] {
			t.Errorf("request %d is %s, want %s", i, got, want[i])
		}
	}
}

// TestKeysInBatch has one commit hold an append and what repeats it.
func TestKeysInBatch(t *testing.T) {
	s, sink := committer(t, Options{MaxTopics: 2})
	batch := func() []*request {
		return []*request{
			keyed("a", "1", "x"), keyed("a", "1", "x"), keyed("a", "1", "y"),
			keyed("b", "1", "y"), keyed("a", "2", "x"), keyed("b", "1", "y"),
			keyed("c", "1", "x"), keyed("c", "1", "x"),
		}
	}
	rs := batch()
	s.commit(rs)
	wantOutcomes(t, rs, "committed", "duplicate", "reused", "committed", "committed", "duplicate", "refused", "refused")
	if rs[1].receipt.ID != rs[0].receipt.ID || rs[5].receipt.ID != rs[3].receipt.ID {
		t.Error("a duplicate has another id")
	}
	if len(*sink) != 3 {
		t.Errorf("readers were told %q", *sink)
	}
	before := txs(s)
	again := batch()[:6]
	s.commit(again)
	wantOutcomes(t, again, "duplicate", "duplicate", "reused", "duplicate", "duplicate", "duplicate")
	if n := txs(s) - before; n != 0 || len(*sink) != 3 {
		t.Errorf("%d commits of duplicates only, readers were told %q", n, *sink)
	}
	s.commit([]*request{keyed("c", "1", "x")})
	if s.topics["c"] != nil {
		t.Error("a refused append made a topic")
	}
}

type noDisk struct{ error }

func (d noDisk) ReadAt([]byte, int64) (int, error) { return 0, d.error }

// TestKeysFailTogether has a commit fail under an append and its repeats.
func TestKeysFailTogether(t *testing.T) {
	s, sink := committer(t, Options{})
	s.commit(requests("a 1"))
	*sink = nil
	batch := func() []*request {
		return []*request{keyed("a", "1", "x"), keyed("a", "1", "x"), keyed("a", "1", "y")}
	}
	sound := s.pages.file
	s.pages.file = noDisk{io.ErrUnexpectedEOF}
	rs := batch()
	s.commit(rs)
	wantOutcomes(t, rs, "failed", "failed", "failed")
	s.pages.file = sound
	rs = batch()
	s.commit(rs)
	wantOutcomes(t, rs, "committed", "duplicate", "reused")
	if len(*sink) != 1 {
		t.Errorf("readers were told %q", *sink)
	}
}

// TestKeysFailedButWritten tries again what failed and got to the file.
func TestKeysFailedButWritten(t *testing.T) {
	s, sink := committer(t, Options{Keys: eventlog.KeyOptions{Most: 4}})
	s.commit([]*request{keyed("a", "1", "x")})
	lost := []*request{keyed("a", "2", "x"), keyed("b", "1", "x")}
	pretend(t, s, lost)
	rs := []*request{keyed("a", "2", "x"), keyed("b", "1", "y"), keyed("a", "1", "x"), keyed("a", "3", "x")}
	s.commit(rs)
	wantOutcomes(t, rs, "duplicate", "reused", "duplicate", "committed")
	if rs[0].receipt.ID != lost[0].receipt.ID {
		t.Errorf("the duplicate is %v, in the file is %v", rs[0].receipt.ID, lost[0].receipt.ID)
	}
	if len(*sink) != 4 {
		t.Errorf("readers were told %q", *sink)
	}
	s.commit([]*request{keyed("a", "4", "x"), keyed("a", "5", "x")})
	for s.retain() {
	}
	pretend(t, s, []*request{keyed("a", "6", "x")})
	s.retain() // takes it up, and deletes what it pushes out
	if s.retain(); len(keysInFile(t, s)) != 4 || s.Keys() != (eventlog.KeyStats{Remembered: 4, Forgotten: 3}) {
		t.Errorf("%d keys in the file, %+v", len(keysInFile(t, s)), s.Keys())
	}
}

// keysInFile reads the keys strictly.
func keysInFile(t *testing.T, s *Store) (ids []eventlog.ID) {
	t.Helper()
	err := s.view(func(v snapshot) error {
		g, err := v.guard()
		if err != nil {
			return err
		}
		return g.all(g.keys, each(func(e elem) error {
			k, err := openKey(e.key, e.value)
			ids = append(ids, k.ID)
			return err
		}))
	})
	if err != nil {
		t.Errorf("read the keys: %v", err)
	}
	return ids
}

// TestKeysExpireInSteps deletes more keys than one transaction may.
func TestKeysExpireInSteps(t *testing.T) {
	now := time.UnixMilli(1_763_820_000_000)
	o := Options{Keys: eventlog.KeyOptions{Age: time.Hour}, Now: func() time.Time { return now }}
	s, _ := committer(t, o)
	s.db.NoSync = true
	const old, fresh = 3*retainEvents + 17, 100
	fill := func(n int) {
		var rs []*request
		for i := range n {
			rs = append(rs, keyed("topic", fmt.Sprint(now.Unix(), i), ""))
		}
		s.commit(rs)
	}
	fill(old)
	now = now.Add(time.Hour)
	fill(fresh)
	s.retain()
	if n := len(keysInFile(t, s)); n != old+fresh {
		t.Errorf("%d keys are there at their age, want %d", n, old+fresh)
	}
	now = now.Add(time.Millisecond)
	for steps, more := 1, true; more; steps++ {
		more = s.retain()
		want := max(old-steps*retainEvents, 0) + fresh
		if n := len(keysInFile(t, s)); n != want || more != (n > fresh) {
			t.Fatalf("%d keys are left after %d steps, want %d; more to do: %v", n, steps, want, more)
		}
	}
	before := txs(s)
	s.retain()
	if n := txs(s) - before; n != 0 || s.Keys().Remembered != fresh {
		t.Errorf("%d commits to delete nothing, %+v", n, s.Keys())
	}
	checkSound(t, s)
}

// TestFileWithoutKeys opens what an earlier release wrote.
func TestFileWithoutKeys(t *testing.T) {
	dir, h := t.TempDir(), history{}
	h.write(t, dir, Options{}, "topic", 10, 20, 3000)
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(keysName)) }); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for round := range 2 {
		s, log := open(t, dir, Options{OnDamage: func(topic string, err error) { t.Error(topic, err) }})
		r, err := log.Append(context.Background(), "other", keyedEntry("key", ""))
		if err != nil || r.Duplicate != (round == 1) {
			t.Errorf("round %d: %+v, %v", round, r, err)
		}
		if missing := h.check(t, log); missing > 0 {
			t.Errorf("%d events are missing", missing)
		}
		checkSound(t, s)
		log.Close()
	}
}

// TestKeysOfTornFile loses the last commit with its keys, and says so.
func TestKeysOfTornFile(t *testing.T) {
	dir := t.TempDir()
	_, log := open(t, dir, Options{})
	var ids []eventlog.ID
	for i := range 5 {
		r, err := log.Append(context.Background(), "topic", keyedEntry(fmt.Sprint(i), ""))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	log.Close()
	path := filepath.Join(dir, fileName)
	file, _ := os.ReadFile(path)
	a, _ := readFileMeta(file[pageHead:])
	b, _ := readFileMeta(file[os.Getpagesize()+pageHead:])
	last := 0
	if b.tx > a.tx {
		last = os.Getpagesize()
	}
	os.WriteFile(path, flip(file, last+pageHead+30), 0o600)
	_, log = open(t, dir, Options{})
	defer log.Close()
	for i, id := range ids {
		r, err := log.Append(context.Background(), "topic", keyedEntry(fmt.Sprint(i), ""))
		if err != nil || r.Duplicate && r.ID != id || !r.Duplicate && (i < 4 || !id.Less(r.ID)) {
			t.Errorf("event %d was %v, tried again: %+v, %v", i, id, r, err)
		}
	}
}
