package boltlog

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// keyHistory is what was published with keys, to one topic.
type keyHistory struct {
	history
	ids map[string]eventlog.ID
}

// publish appends with a key, and reports whether it was remembered.
func (h keyHistory) publish(t *testing.T, log *eventlog.Log, key string) (remembered bool) {
	t.Helper()
	e := keyedEntry(key, "")
	r, err := log.Append(context.Background(), "topic", e)
	switch {
	case err != nil:
		t.Fatalf("append %s: %v", key, err)
	case r.Duplicate && r.ID != h.ids[key]:
		t.Errorf("%s is a duplicate of %v, and was %v", key, r.ID, h.ids[key])
	case !r.Duplicate:
		h.ids[key] = r.ID
		h.history["topic"] = append(h.history["topic"], eventlog.Event{ID: r.ID, Body: e.Body})
	}
	return r.Duplicate
}

// again publishes everything once more and returns how much was forgotten.
func (h keyHistory) again(t *testing.T, log *eventlog.Log) (forgotten int) {
	t.Helper()
	for key := range h.ids {
		if !h.publish(t, log, key) {
			forgotten++
		}
	}
	return forgotten
}

func (h keyHistory) clone() keyHistory {
	c := keyHistory{h.history.clone(), map[string]eventlog.ID{}}
	for key, id := range h.ids {
		c.ids[key] = id
	}
	return c
}

// keySample is a file with a few hundred keys, its list of free pages missing
// where it crashed, and the pages that the keys are in, the root first.
func keySample(t *testing.T, crashed bool) (file []byte, h keyHistory, pages []uint64) {
	t.Helper()
	dir := t.TempDir()
	h = keyHistory{history{}, map[string]eventlog.ID{}}
	s, log := open(t, dir, Options{}, unsynced, func(s *Store) {
		if crashed {
			s.maxFreelist = -1
		}
	})
	for i := range 160 {
		h.publish(t, log, fmt.Sprint("key ", i))
	}
	h.history.append(t, log, "other", 70_000)
	pages = pagesOfKeys(t, s)
	if !crashed {
		log.Close()
	}
	file, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	return file[:used(file)], h, pages
}

func pagesOfKeys(t *testing.T, s *Store) (pages []uint64) {
	t.Helper()
	err := s.view(func(v snapshot) error {
		g, err := v.guard()
		if err != nil {
			return err
		}
		g.known = nil
		g.claim = func(id, _ uint64) error { pages = append(pages, id); return nil }
		return g.all(g.keys, func(leaf page) (bool, error) { return true, leaf.ofKeys() })
	})
	if err != nil || len(pages) < 4 {
		t.Fatalf("the keys are in pages %v, %v", pages, err)
	}
	return pages
}

// TestKeysDamagedInUse damages the pages that keys are added to and deleted
// from while the store is at work: it goes on in a fresh bucket, and the next
// start takes up what can be read of the old one.
func TestKeysDamagedInUse(t *testing.T) {
	for _, c := range []struct {
		name string
		end  bool
		most int
	}{{"end", true, 0}, {"front", false, 250}} {
		t.Run(c.name, func(t *testing.T) {
			reported := 0
			o := Options{Keys: eventlog.KeyOptions{Most: c.most}, OnDamage: func(string, error) { reported++ }}
			s, _ := committer(t, o)
			publish := func(s *Store, from, to int) (committed int) {
				for i := from; i < to; i++ {
					r := keyed("topic", fmt.Sprint(i), "")
					if s.commit([]*request{r}); outcome(r) == "committed" {
						committed++
					}
				}
				return committed
			}
			publish(s, 0, 300)
			pages := pagesOfKeys(t, s)
			id := pages[1]
			if c.end {
				id = pages[len(pages)-1]
			}
			if _, err := s.file.WriteAt(make([]byte, os.Getpagesize()), int64(id)*int64(os.Getpagesize())); err != nil {
				t.Fatal(err)
			}
			if !c.end {
				s.retain()
			}
			if n := publish(s, 200, 310); n != 10 || reported != 1 {
				t.Errorf("%d of 10 new keys were committed, damage was reported %d times", n, reported)
			}
			s.retain()
			if n := len(keysInFile(t, s)); n != 10 || reported != 1 {
				t.Errorf("%d keys are in the fresh bucket, damage was reported %d times", n, reported)
			}
			s.sink = nil
			s.Close()
			o.OnDamage = func(topic string, err error) { t.Error(topic, err) }
			s, err := Open(filepath.Dir(s.path), o)
			if err != nil {
				t.Fatal(err)
			}
			s.sink = &told{}
			defer func() { s.sink = nil; s.Close() }()
			forgotten := publish(s, 100, 310)
			if c.end && (forgotten == 0 || forgotten > 70) || !c.end && forgotten > 0 {
				t.Errorf("%d keys were forgotten, which one page can't hold", forgotten)
			}
		})
	}
}

// TestKeysDamage damages pages of the keys in many ways: every time the
// file opens, no event is lost, publishing goes on, what can be read of the
// keys is remembered and somebody is told of the rest.
func TestKeysDamage(t *testing.T) {
	damages := []struct {
		name string
		do   func(page []byte)
	}{
		{"another number", func(p []byte) { p[0] ^= 4 }},
		{"another number in all the file", func(p []byte) { p[5] ^= 1 }},
		{"another kind", func(p []byte) { p[8] ^= leafFlag | branchFlag }},
		{"fewer elements", func(p []byte) { p[10]-- }},
		{"more elements", func(p []byte) { p[11]++ }},
		{"longer", func(p []byte) { p[12]++ }},
		{"an element elsewhere", func(p []byte) { p[pageHead+4] ^= 0x80 }},
		{"a child elsewhere", func(p []byte) { native.PutUint64(p[pageHead+8:], 3) }},
		{"its own child", func(p []byte) { copy(p[pageHead+8:pageHead+16], p[:8]) }},
		{"a child that is no page", func(p []byte) { native.PutUint64(p[pageHead+8:], 1<<40) }},
		{"another value", func(p []byte) { p[len(p)/2] ^= 1 }},
		{"another first key", func(p []byte) {
			e, _ := page{p}.element(0)
			e.key[0] ^= 1
		}},
		{"zeros", func(p []byte) { clear(p) }},
	}
	for _, crashed := range []bool{false, true} {
		file, h, pages := keySample(t, crashed)
		for i, id := range []uint64{pages[0], pages[1], pages[len(pages)-1]} {
			for _, d := range damages {
				t.Run(fmt.Sprintf("crashed=%v/page %d/%s", crashed, i, d.name), func(t *testing.T) {
					damaged := bytes.Clone(file)
					size := os.Getpagesize()
					d.do(damaged[int(id)*size : (int(id)+1)*size])
					dir := t.TempDir()
					os.WriteFile(filepath.Join(dir, fileName), damaged, 0o600)
					synctest.Test(t, func(t *testing.T) {
						time.Sleep(30 * 365 * 24 * time.Hour) // bubbles begin in the year 2000
						surviveKeys(t, dir, h.clone(), crashed, i == 0)
					})
				})
			}
		}
	}
}

func surviveKeys(t *testing.T, dir string, h keyHistory, crashed, root bool) {
	told := 0
	o := Options{OnDamage: func(topic string, err error) {
		if topic != "" {
			t.Errorf("damage in %s: %v", topic, err)
		}
		told++
	}}
	run := func(f func(*Store, *eventlog.Log)) {
		t.Helper()
		s, log := open(t, dir, o, unsynced)
		defer log.Close()
		f(s, log)
		if missing := h.check(t, log); missing > 0 {
			t.Errorf("%d events are missing", missing)
		}
	}
	run(func(s *Store, log *eventlog.Log) {
		forgotten := h.again(t, log)
		if forgotten > 0 && told == 0 || forgotten > 70 && !crashed && !root {
			t.Errorf("%d keys were forgotten, and damage was reported %d times", forgotten, told)
		}
		h.publish(t, log, "new")
		if crashed {
			checkSound(t, s)
		}
	})
	run(func(_ *Store, log *eventlog.Log) {
		// A root that is damaged may lead to a page which was let go of: what it
		// still had of the keys is gone once it is written to.
		if n := h.again(t, log); n > 0 && !(root && told > 0) {
			t.Errorf("%d keys were forgotten at the next start", n)
		}
	})
	const most = 50
	o.Keys.Most = most
	last := func(_ *Store, log *eventlog.Log) {
		for i := range most {
			h.publish(t, log, fmt.Sprint("last ", i))
		}
		time.Sleep(3 * time.Second) // the others are deleted
		if n := log.Keys().Remembered; n != most {
			t.Errorf("%d keys are remembered, want %d", n, most)
		}
	}
	run(last)
	events := len(h.history["topic"])
	run(last)
	if n := len(h.history["topic"]) - events; n > 0 {
		t.Errorf("%d of the last %d keys were forgotten", n, most)
	}
	run(func(s *Store, _ *eventlog.Log) {
		if n := len(keysInFile(t, s)); n != most {
			t.Errorf("%d keys are in the file at the end, want %d", n, most)
		}
	})
}

// TestKeysOfLaterPages leads from a bucket that was set aside to a page of
// the one after it, as when a page that was free is taken for that. What is
// there is not of the bucket before, and the later one is remembered whole.
func TestKeysOfLaterPages(t *testing.T) {
	s, _ := committer(t, Options{})
	publish := func(s *Store, from, to int) (forgotten int) {
		var rs []*request
		for i := from; i < to; i++ {
			rs = append(rs, keyed("topic", fmt.Sprint(i), ""))
		}
		s.commit(rs)
		for _, r := range rs {
			if outcome(r) != "duplicate" {
				forgotten++
			}
		}
		return forgotten
	}
	write := func(page uint64, offset int, b []byte) {
		t.Helper()
		if _, err := s.file.WriteAt(b, int64(page)*int64(os.Getpagesize())+int64(offset)); err != nil {
			t.Fatal(err)
		}
	}
	publish(s, 0, 300)
	before := pagesOfKeys(t, s)
	write(before[len(before)-1], 0, make([]byte, os.Getpagesize()))
	publish(s, 300, 600) // the first that set it aside: all in one commit
	publish(s, 600, 900)
	later := pagesOfKeys(t, s)
	for name, leaf := range map[string]uint64{"first": later[2], "last": later[len(later)-1]} {
		write(before[0], pageHead+8, native.AppendUint64(nil, leaf))
		s.sink = nil
		s.Close()
		var err error
		if s, err = Open(filepath.Dir(s.path), Options{OnDamage: func(topic string, err error) { t.Error(topic, err) }}); err != nil {
			t.Fatal(err)
		}
		s.sink = &told{}
		remembered := s.Keys().Remembered
		if n := publish(s, 300, 900); n > 0 || remembered < 600+300-2*70 {
			t.Errorf("%s leaf: %d later keys were forgotten, %d are remembered in all", name, n, remembered)
		}
	}
	s.sink = nil
	s.Close()
}

// TestKeyBeyondTheClock finds a key whose event was never committed.
func TestKeyBeyondTheClock(t *testing.T) {
	s, _ := committer(t, Options{})
	s.commit([]*request{keyed("topic", "1", "")})
	beyond := s.clock.Last
	beyond.MS += 1000
	err := s.update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(keysName)).Put(sealKey(&eventlog.KeyRecord{ID: beyond}))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.sink = nil
	s.Close()
	reported := 0
	s, err = Open(filepath.Dir(s.path), Options{OnDamage: func(string, error) { reported++ }})
	if err != nil {
		t.Fatal(err)
	}
	s.sink = &told{}
	defer func() { s.sink = nil; s.Close() }()
	if n := s.Keys().Remembered; n != 1 || reported != 1 {
		t.Errorf("%d keys are remembered, damage was reported %d times", n, reported)
	}
	rs := []*request{keyed("topic", "1", ""), keyed("topic", "2", "")}
	s.commit(rs)
	wantOutcomes(t, rs, "duplicate", "committed")
}
