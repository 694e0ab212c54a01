package boltlog

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
)

var (
	flips = flag.Int("flips", 100, "files to damage")
	seed  = flag.Uint64("seed", 1, "of the damage")
)

// history is what was published to a file.
type history map[string][]eventlog.Event

// write opens a file, publishes and closes it again. sizes are of the bodies.
func (h history) write(t testing.TB, dir string, o Options, topic string, sizes ...int) {
	t.Helper()
	_, log := open(t, dir, o, unsynced)
	for _, n := range sizes {
		h.append(t, log, topic, n)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

func (h history) append(t testing.TB, log *eventlog.Log, topic string, size int) error {
	body := bytes.Repeat(fmt.Appendf(nil, "%s %d;", topic, len(h[topic])), size/4+1)[:size]
	body = append(body, "\n\n"...)
	e := eventlog.Entry{Body: body}
	if len(h[topic])%2 == 0 {
		e.Idempotency = &eventlog.Idempotency{}
		native.PutUint64(e.Idempotency.Key[:], rand.Uint64())
	}
	receipt, err := log.Append(context.Background(), topic, e)
	id := receipt.ID
	if err == nil {
		h[topic] = append(h[topic], eventlog.Event{ID: id, Body: body})
	}
	return err
}

// open opens a log, after what prepare does to its store.
func open(t testing.TB, dir string, o Options, prepare ...func(*Store)) (*Store, *eventlog.Log) {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range prepare {
		f(s)
	}
	log, err := eventlog.Open(s, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func unsynced(s *Store) { s.db.NoSync = true }

// check proves that every event of the history comes intact or is in a gap,
// and that nothing else comes. It returns how many
// were damaged.
func (h history) check(t testing.TB, log *eventlog.Log) (missing int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for topic, events := range h {
		r := logtest.NewReader(log, topic, eventlog.ID{})
		if err := r.CatchUp(ctx); err != nil {
			t.Errorf("read %s: %v", topic, err)
		}
		missing += h.compare(t, topic, events, r)
		r.Close()
	}
	return missing
}

func (h history) compare(t testing.TB, topic string, events []eventlog.Event, r *logtest.Reader) (missing int) {
	t.Helper()
	got := r.Events
	for _, e := range events {
		switch {
		case len(got) > 0 && got[0].ID == e.ID:
			if !bytes.Equal(got[0].Body, e.Body) {
				t.Errorf("%s: %v came damaged", topic, e.ID)
			}
			got = got[1:]
		default:
			gap := gapOf(r.Gaps, e.ID)
			if gap == nil {
				t.Errorf("%s: %v neither came nor is in a gap of %v", topic, e.ID, r.Gaps)
				return missing
			}
			if gap.Cause == eventlog.Damaged {
				missing++
			}
		}
	}
	if len(got) > 0 {
		t.Errorf("%s: %v came, which nobody published there", topic, got[0].ID)
	}
	return missing
}

func gapOf(gaps []*eventlog.GapError, id eventlog.ID) *eventlog.GapError {
	for _, g := range gaps {
		if g.After.Less(id) && !g.Through.Less(id) {
			return g
		}
	}
	return nil
}

func (h history) clone() history {
	c := history{}
	for topic, events := range h {
		c[topic] = append([]eventlog.Event{}, events...)
	}
	return c
}

// sample is a file with what files have: topics within a page, with one leaf,
// with branches, with large events, trimmed ones and empty ones, free pages.
// In a crashed one the free pages are not listed.
func sample(t testing.TB, crashed bool) (file []byte, h history) {
	t.Helper()
	dir, h := t.TempDir(), history{}
	var medium, deep []int
	for i := range 60 {
		medium = append(medium, 20+i)
	}
	for i := range 700 {
		deep = append(deep, 300+i%5)
	}
	h.write(t, dir, Options{}, "small", 5, 0, 17)
	h.write(t, dir, Options{}, "medium", medium...)
	h.write(t, dir, Options{}, "deep", deep...)
	h.write(t, dir, Options{}, "huge", 5, 70_000, 5, 256<<10, 9)
	h.write(t, dir, Options{}, "emptied", 310_000)
	for i := range 40 {
		h.write(t, dir, Options{}, fmt.Sprintf("topic-%d", i), 100, 200)
	}
	_, log := open(t, dir, Options{Retention: eventlog.Retention{Events: 650, Bytes: 300_000}}, unsynced, func(s *Store) {
		if crashed {
			s.maxFreelist = -1
		}
	})
	for _, topic := range []string{"emptied", "deep", "huge"} {
		f := log.Follow(topic)
		for state, _ := f.State(); state.Trimmed.IsZero(); state, _ = f.State() {
			time.Sleep(time.Millisecond)
		}
	}
	for _, topic := range []string{"small", "medium"} {
		h.append(t, log, topic, 10)
	}
	if !crashed {
		log.Close()
	}
	file, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	return file[:used(file)], h
}

// used returns where in a file the pages end.
func used(file []byte) int {
	a, errA := readFileMeta(file[pageHead:])
	b, errB := readFileMeta(file[os.Getpagesize()+pageHead:])
	if errA != nil || errB == nil && b.tx > a.tx {
		a = b
	}
	return int(a.end) * a.pageSize
}

// TestFlips damages a file in many ways: it does not open and says what to
// do, or it opens and loses nothing silently, however it is used then.
func TestFlips(t *testing.T) {
	var files [2][]byte
	var histories [2]history
	files[0], histories[0] = sample(t, false)
	files[1], histories[1] = sample(t, true)
	dir := t.TempDir()
	refused, gaps := 0, 0
	for i := range *flips {
		rnd := rand.New(rand.NewPCG(*seed, uint64(i)))
		damaged, h := bytes.Clone(files[i%2]), histories[i%2].clone()
		what := damage(rnd, damaged)
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * 365 * 24 * time.Hour) // bubbles begin in the year 2000
				opened, missing := survive(t, dir, damaged, h, rnd)
				if !opened {
					refused++
				} else if missing > 0 {
					gaps++
				}
			})
		})
		if t.Failed() {
			t.Fatalf("-seed=%d, file %d: %s", *seed, i, what)
		}
	}
	t.Logf("%d files: %d refused, %d with gaps, %d without", *flips, refused, gaps, *flips-refused-gaps)
}

// damage changes a few bits, half of the time in what is not a body; or has
// one page's content written in the place of another.
func damage(rnd *rand.Rand, file []byte) (what string) {
	if rnd.IntN(6) == 0 {
		return misplace(rnd, file)
	}
	n := 1
	if rnd.IntN(3) == 0 {
		n = 2 + rnd.IntN(6)
	}
	for range n {
		at := rnd.IntN(len(file))
		if rnd.IntN(2) == 0 {
			page := rnd.IntN(len(file) / os.Getpagesize())
			at = page*os.Getpagesize() + rnd.IntN(96)
		}
		file[at] ^= 1 << rnd.IntN(8)
		what += fmt.Sprintf(" byte %d of page %d;", at%os.Getpagesize(), at/os.Getpagesize())
	}
	return what
}

func misplace(rnd *rand.Rand, file []byte) string {
	size := os.Getpagesize()
	from, to := 2+rnd.IntN(len(file)/size-2), 2+rnd.IntN(len(file)/size-2)
	copy(file[to*size:(to+1)*size], file[from*size:])
	if rnd.IntN(4) > 0 { // as if it belonged there
		native.PutUint64(file[to*size:], uint64(to))
	}
	return fmt.Sprintf("page %d in the place of %d", from, to)
}

func survive(t *testing.T, dir string, file []byte, h history, rnd *rand.Rand) (opened bool, missing int) {
	if err := os.WriteFile(filepath.Join(dir, fileName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{}
	if rnd.IntN(2) == 0 {
		o.Retention = eventlog.Retention{Events: 30, TotalBytes: 100_000}
	}
	for round := range 3 {
		s, err := Open(dir, o)
		if err != nil {
			if !strings.Contains(err.Error(), "restore it from a backup") {
				t.Errorf("open: %v", err)
			}
			return round > 0, missing
		}
		s.db.NoSync = true
		log, err := eventlog.Open(s, eventlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		missing = max(missing, h.check(t, log))
		for topic := range h {
			for range rnd.IntN(4) {
				if err := h.append(t, log, topic, rnd.IntN(600)); err != nil && !errors.Is(err, eventlog.ErrStoreFailed) {
					t.Errorf("append to %s: %v", topic, err)
				}
			}
		}
		time.Sleep(1500 * time.Millisecond) // for retention
		h.check(t, log)
		if err := log.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	return true, missing
}
