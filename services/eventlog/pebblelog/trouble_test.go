package pebblelog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// childFails in the environment makes the test binary a publisher whose disk
// fails: with which file.
const childFails = "PEBBLELOG_TEST_FAIL_AT"

// failAsChild publishes on a disk that begins to fail, and prints what was
// acknowledged, and what the store said at its end.
func failAsChild() bool {
	dir, name := os.Getenv(childDir), os.Getenv(childFails)
	if name == "" {
		return false
	}
	failing := atomic.Bool{}
	fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && strings.Contains(filepath.Base(op.Path), name) && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errors.New("the disk is broken")
		}
		return nil
	}))
	ended := make(chan error, 1)
	s, err := Open(dir, Options{fs: fs, Memory: leastMemory, OnFailure: func(err error) { ended <- err }})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	log, _ := eventlog.Open(s, eventlog.Options{})
	time.AfterFunc(100*time.Millisecond, func() { failing.Store(true) })
	var publishers sync.WaitGroup
	after := atomic.Int64{}
	for n := range 4 {
		publishers.Go(func() {
			for i := 0; ; i++ {
				data := fmt.Sprintf("%d/%d/%s", n, i, strings.Repeat("x", 2000))
				r, err := log.Append(context.Background(), fmt.Sprintf("topic-%d", n), eventlog.TextEntry("", data))
				if errors.Is(err, eventlog.ErrStoreFailed) {
					if _, err := log.Append(context.Background(), "topic-0", eventlog.TextEntry("", "after")); err == nil {
						after.Add(1)
					}
					return
				}
				if err != nil {
					fmt.Println("unexpected:", err)
					return
				}
				fmt.Printf("acknowledged %d %d %v\n", n, i, r.ID)
			}
		})
	}
	publishers.Wait()
	fmt.Println("ended:", <-ended)
	fmt.Println("closed:", log.Close(), "after:", after.Load())
	return true
}

// TestBrokenDisk has the log, or the manifest, fail: nothing is acknowledged
// from then on, the store says that it can't go on, closes, and what was
// acknowledged is there at the next start.
func TestBrokenDisk(t *testing.T) {
	for _, name := range []string{".log", "MANIFEST"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			child := exec.CommandContext(ctx, os.Args[0])
			child.Env = append(os.Environ(), childDir+"="+dir, childFails+"="+name)
			out, err := child.CombinedOutput()
			text := string(out)
			if err != nil || !strings.Contains(text, "nothing is acknowledged any more") || !strings.Contains(text, "closed: <nil> after: 0") || strings.Contains(text, "unexpected") {
				t.Fatalf("%v\n%s", err, text[:min(len(text), 3000)])
			}
			s, log := open(t, dir, Options{OnDamage: sound(t)})
			defer log.Close()
			got := map[string]int{}
			for n := range 4 {
				topic := fmt.Sprintf("topic-%d", n)
				state, _ := log.State(topic)
				err := s.Read(t.Context(), topic, eventlog.ID{}, state.Last, func(e eventlog.Event) bool {
					var i int
					fmt.Sscanf(string(e.Data), fmt.Sprintf("%d/%%d/", n), &i)
					got[fmt.Sprint(n)] = i + 1
					return true
				})
				if err != nil {
					t.Errorf("%s: %v", topic, err)
				}
			}
			for line := range strings.Lines(text) {
				var n, i int
				if m, _ := fmt.Sscanf(line, "acknowledged %d %d", &n, &i); m == 2 && i >= got[fmt.Sprint(n)] {
					t.Errorf("event %d of publisher %d was acknowledged, %d are there", i, n, got[fmt.Sprint(n)])
				}
			}
		})
	}
}

// TestLogDamagedInTheMiddle: what was on the disk is not taken for the end of
// the log that a crash tears, but for a bit in a few hundred: what the database
// then skips it does not look behind.
func TestLogDamagedInTheMiddle(t *testing.T) {
	dir, h := t.TempDir(), history{}
	s, log := open(t, dir, Options{})
	if v := s.db.FormatMajorVersion(); v < pebble.FormatWALSyncChunks {
		t.Errorf("the format is %v", v)
	}
	for range 200 {
		if err := h.append(log, "topic", 500); err != nil {
			t.Fatal(err)
		}
	}
	f := readFiles(t, s.dir)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	name, size := "", 0
	for n, b := range f {
		if filepath.Ext(n) == ".log" && len(b) > size {
			name, size = n, len(b)
		}
	}
	refused, early := 0, 0
	for at := 200; at < size-40<<10; at += 997 {
		damaged := f.clone()
		damaged[name][at] ^= 1
		damaged.write(t, s.dir)
		s, err := Open(dir, Options{Memory: leastMemory})
		if err != nil {
			if refused++; !strings.Contains(err.Error(), "restore it from a backup") {
				t.Errorf("damaged at %d of %d: %v", at, size, err)
			}
			continue
		}
		log, err := eventlog.Open(s, eventlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		early++
		if missing := h.clone().forgetEnd(t, log); missing == 0 {
			t.Errorf("damaged at %d of %d: nothing is missing", at, size)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
	if early > refused/20 {
		t.Errorf("%d were refused, %d ended early", refused, early)
	}
}

// TestHeal has a compaction meet a damaged block: it is taken out, nobody
// publishes less for it, and the events of the block are a gap.
func TestHeal(t *testing.T) {
	dir, h := t.TempDir(), history{}
	sizes := make([]int, 2000)
	for i := range sizes {
		sizes[i] = 300 + i%7
	}
	h.write(t, dir, Options{}, "a", sizes...)
	h.write(t, dir, Options{}, "b", sizes[:100]...)
	name, size := "", int64(0)
	tables, _ := filepath.Glob(filepath.Join(dir, folder, "*.sst"))
	for _, table := range tables {
		if info, _ := os.Stat(table); info.Size() > size {
			name, size = table, info.Size()
		}
	}
	flip(t, name, size/3)
	var mu sync.Mutex
	var said []string
	s, log := open(t, dir, Options{OnDamage: func(_ string, err error) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, err.Error())
	}})
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{endKind}, false); err == nil {
		t.Fatal("the compaction met nothing")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		healed := strings.Contains(strings.Join(said, "\n"), "was taken out")
		mu.Unlock()
		if healed {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not taken out: %v", said)
		}
		if err := h.append(log, "a", 300); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{endKind}, false); err != nil {
		t.Errorf("compact again: %v", err)
	}
	for range 2 {
		missing := h.check(t, log)
		if missing == 0 || missing > 100 {
			t.Errorf("%d events are missing, which one block can't hold: %s", missing, strings.Join(said, "\n"))
		}
		for _, topic := range []string{"a", "b", "new"} {
			if err := h.append(log, topic, 300); err != nil {
				t.Error(err)
			}
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		s, log = open(t, dir, s.options)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// TestIteratorsEnd: none outlives the page that it read.
func TestIteratorsEnd(t *testing.T) {
	dir, h := t.TempDir(), history{}
	h.write(t, dir, Options{}, "topic", make([]int, 500)...)
	s, log := open(t, dir, Options{})
	defer log.Close()
	h.check(t, log)
	gone := fmt.Errorf("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	_ = s.Read(ctx, "topic", eventlog.ID{}, h["topic"][499].ID, func(eventlog.Event) bool { cancel(gone); return true })
	_ = s.Read(t.Context(), "topic", eventlog.ID{}, h["topic"][499].ID, func(eventlog.Event) bool { return false })
	if n := s.db.Metrics().TableIters; n != 0 {
		t.Errorf("%d iterators are open", n)
	}
}
