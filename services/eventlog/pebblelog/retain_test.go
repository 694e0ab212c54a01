package pebblelog

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

var give = flag.Int64("give", 64, "MiB to be written, of which retention takes most")

// TestDiskIsGivenBack has retention take nineteen of twenty events: without a
// restart the folder shrinks to less than twice of what is kept, while
// publishers go on.
func TestDiskIsGivenBack(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	const topics, size = 50, 2000
	dir := t.TempDir()
	events := *give << 20 / size
	keep := events * size / 20
	_, log := open(t, dir, Options{OnDamage: sound(t), Memory: 16 << 20})
	began := time.Now()
	fillDisk(t, log, topics, events, size)
	full := sizeOf(t, dir)
	t.Logf("%d MiB after %d events in %v", full>>20, events, time.Since(began).Round(time.Second))
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	_, log = open(t, dir, Options{OnDamage: sound(t), Memory: 16 << 20, Retention: eventlog.Retention{TotalBytes: keep}})
	defer log.Close()
	for {
		var kept int64
		for _, info := range log.Topics() {
			kept += info.State.Bytes
		}
		now := sizeOf(t, dir)
		if kept <= keep && now <= 2*keep {
			t.Logf("%d MiB are kept, the folder has %d MiB after %v", kept>>20, now>>20, time.Since(began).Round(time.Second))
			return
		}
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("%d MiB are kept, the folder has %d MiB", kept>>20, now>>20)
		}
		fillDisk(t, log, 1, 10, size)
		time.Sleep(500 * time.Millisecond)
	}
}

func fillDisk(t *testing.T, log *eventlog.Log, topics int, events, size int64) {
	t.Helper()
	const publishers = 32
	var wg sync.WaitGroup
	for n := range int64(publishers) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), uint64(events)))
			for i := n; i < events; i += publishers {
				data := make([]byte, size)
				for k := range data {
					data[k] = ' ' + byte(rnd.IntN(95))
				}
				e := eventlog.Entry{Record: eventlog.Record{Data: data}}
				if _, err := log.Append(context.Background(), fmt.Sprintf("topic-%d", i%int64(topics)), e); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// sizeOf returns the bytes of all files below a folder.
func sizeOf(t *testing.T, dir string) (n int64) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it went meanwhile
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
