package pebblelog

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

var (
	damages     = flag.Int("damages", 60, "folders to damage")
	firstDamage = flag.Int("first", 0, "damage to begin with")
	seed        = flag.Uint64("seed", 1, "of the damage")
)

// files is the content of a folder, by name.
type files map[string][]byte

func readFiles(t testing.TB, dir string) files {
	t.Helper()
	all := files{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = b
	}
	return all
}

func (f files) write(t testing.TB, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range f {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sample is the folder of a database with what they have: tables, small and
// large events, topics that were trimmed and emptied. That of one that crashed
// has a log, too, with a part of the events.
func sample(t testing.TB, crashed bool) (files, history) {
	t.Helper()
	dir, h := t.TempDir(), history{}
	for i := range 40 {
		h.write(t, dir, Options{}, fmt.Sprintf("topic-%d", i%20), 100, 200)
	}
	h.write(t, dir, Options{}, "small", 5, 0, 17)
	h.write(t, dir, Options{}, "deep", slices.Repeat([]int{300, 301, 4000}, 400)...)
	h.write(t, dir, Options{}, "huge", 5, 70_000, 5, 256<<10, 9)
	h.write(t, dir, Options{}, "emptied", 800_000)
	s, log := open(t, dir, Options{Retention: eventlog.Retention{Events: 1100, Bytes: 600_000}})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if state, _ := log.State("emptied"); state.Events == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("retention takes nothing")
		}
	}
	for _, topic := range []string{"small", "topic-1", "deep", "deep", "new"} {
		if err := h.append(log, topic, 10); err != nil {
			t.Fatal(err)
		}
	}
	var f files
	if crashed {
		f = readFiles(t, s.dir)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if !crashed {
		f = readFiles(t, s.dir)
	}
	return f, h
}

// TestDamage damages folders in many ways: one does not open and says what to
// do, or it opens and loses nothing silently, however it is used then.
func TestDamage(t *testing.T) {
	var samples [2]files
	var histories [2]history
	samples[0], histories[0] = sample(t, false)
	samples[1], histories[1] = sample(t, true)
	dir := t.TempDir()
	refused, gaps := 0, 0
	for i := *firstDamage; i < *damages; i++ {
		rnd := rand.New(rand.NewPCG(*seed, uint64(i)))
		f, h := samples[i%2].clone(), histories[i%2].clone()
		kind, what := damage(rnd, f)
		opened, missing := survive(t, dir, f, h, rnd, kind == ".log")
		if t.Failed() {
			t.Fatalf("-seed=%d, folder %d: %s", *seed, i, what)
		}
		if !opened {
			refused++
		} else if missing > 0 {
			gaps++
		}
	}
	t.Logf("%d folders: %d refused, %d with gaps, %d without", *damages, refused, gaps, *damages-refused-gaps)
}

func (f files) clone() files {
	c := files{}
	for name, b := range f {
		c[name] = bytes.Clone(b)
	}
	return c
}

// damage does something to one file: bits, a cut end, a part that was never
// written, a part of another file, or that it is gone.
func damage(rnd *rand.Rand, f files) (kind, what string) {
	names := make([]string, 0, len(f))
	kinds := map[string]bool{}
	for name := range f {
		kinds[kindOf(name)] = true
		names = append(names, name)
	}
	slices.Sort(names)
	all := make([]string, 0, len(kinds))
	for kind := range kinds {
		all = append(all, kind)
	}
	slices.Sort(all)
	kind = all[rnd.IntN(len(all))] // each kind as often, however many there are
	names = slices.DeleteFunc(names, func(name string) bool { return kindOf(name) != kind })
	name := names[rnd.IntN(len(names))]
	b := f[name]
	if len(b) == 0 {
		delete(f, name)
		return kind, name + " is gone"
	}
	switch at := rnd.IntN(len(b)); rnd.IntN(6) {
	case 0:
		delete(f, name)
		return kind, name + " is gone"
	case 1:
		f[name] = b[:at]
		return kind, fmt.Sprintf("%s is cut to %d of %d bytes", name, at, len(b))
	case 2:
		n := min(4096, len(b)-at)
		clear(b[at : at+n])
		return kind, fmt.Sprintf("%s has %d zeros at %d of %d", name, n, at, len(b))
	case 3:
		other := f[names[rnd.IntN(len(names))]]
		from := rnd.IntN(len(other) + 1)
		n := copy(b[at:], other[from:min(len(other), from+4096)])
		return kind, fmt.Sprintf("%s has %d bytes from elsewhere at %d of %d", name, n, at, len(b))
	default:
		what = name + " has other bits at"
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(b))
			b[at] ^= 1 << rnd.IntN(8)
			what += fmt.Sprint(" ", at)
		}
		return kind, fmt.Sprintf("%s of %d", what, len(b))
	}
}

func kindOf(name string) string {
	if ext := filepath.Ext(name); ext == ".sst" || ext == ".log" {
		return ext
	}
	return strings.TrimRight(name, "0123456789")
}

// survive opens a folder and uses it, a few times.
func survive(t *testing.T, dir string, f files, h history, rnd *rand.Rand, inLog bool) (opened bool, missing int) {
	f.write(t, filepath.Join(dir, folder))
	o := Options{Memory: leastMemory}
	if rnd.IntN(2) == 0 {
		o.Retention = eventlog.Retention{Events: 30, TotalBytes: 100_000}
	}
	for round := range 3 {
		s, err := Open(dir, o)
		if err != nil {
			if !strings.Contains(err.Error(), "to start empty") {
				t.Errorf("open: %v", err)
			}
			return round > 0, missing
		}
		log, err := eventlog.Open(s, eventlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if inLog && round == 0 {
			missing = h.forgetEnd(t, log)
		}
		missing = max(missing, h.check(t, log))
		for topic := range h {
			for range rnd.IntN(3) {
				if err := h.append(log, topic, rnd.IntN(600)); err != nil && !errors.Is(err, eventlog.ErrStoreFailed) {
					t.Errorf("append to %s: %v", topic, err)
				}
			}
		}
		h.check(t, log)
		if err := log.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	return true, missing
}
