package logtest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// What a log may take beside its budget: for itself, for each topic that exists
// (in the store and in the log, with the maps' room for more) and for each
// idempotency key, in bytes.
const (
	besideBudget = 1 << 20
	besideTopic  = 1 << 10
	besideKey    = 128
)

// testMemory is about one topic.
func testMemory(t *testing.T, o Options) { memory(t, o, 1) }

// testMemoryTopics is about more topics than there is memory for.
func testMemoryTopics(t *testing.T, o Options) { memory(t, o, 3000) }

// memory publishes twenty times the budget, with keys and without, while
// readers come and go and retention is at work. Afterwards the heap holds the
// budget, and what the log says of its tails is what the heap profile does.
func memory(t *testing.T, o Options, topics int) {
	const budget, size, keys = 2 << 20, 10 << 10, 500
	profileAll(t)
	before := heap()
	log := o.open(t, Config{
		Retention: eventlog.Retention{Bytes: budget, TotalBytes: 2 * budget},
		Keys:      eventlog.KeyOptions{Most: keys},
	}, eventlog.Options{MemoryBudget: budget})
	crowd(t, log, 20*budget/size, size, topics)
	time.Sleep(5 * time.Second) // retention does the rest
	taken := heap() - before
	if limit := int64(budget + besideBudget + o.Beside + topics*besideTopic + keys*besideKey); taken > limit {
		t.Errorf("the heap has grown by %d bytes, want %d at most", taken, limit)
	}
	said, is := log.Memory(), profiled(t, "eventlog.newBlock", "eventlog.(*Block)")
	if said > budget || said < is*9/10 || said > is*11/10 {
		t.Errorf("%d bytes in the account of a budget of %d, %d in the heap profile", said, budget, is)
	}
	t.Logf("heap %d, tails by the account %d, by the profile %d", taken, said, is)
	runtime.KeepAlive(log)
}

// crowd publishes events, a hundred at a time, and after each hundred has a
// reader that begins somewhere and leaves, and one that follows for good.
func crowd(t *testing.T, log *eventlog.Log, events, size, topics int) {
	t.Helper()
	const together = 100
	follower := NewReader(log, topicOf(0, topics), eventlog.ID{})
	defer follower.Close()
	ids := make([]eventlog.ID, events)
	for first := 0; first < events; first += together {
		var publishing sync.WaitGroup
		for i := first; i < min(first+together, events); i++ {
			publishing.Go(func() { ids[i] = appendOne(t, log, topicOf(i, topics), i, size) })
		}
		publishing.Wait()
		time.Sleep(100 * time.Millisecond) // for retention
		passer := NewReader(log, topicOf(first/2, topics), ids[first/2])
		for _, r := range []*Reader{follower, passer} {
			if err := r.CatchUp(context.Background()); err != nil {
				t.Errorf("read: %v", err)
			}
			r.Events, r.Gaps = nil, nil
		}
		passer.Close()
	}
}

// appendOne appends event i, every second one with a key.
func appendOne(t *testing.T, log *eventlog.Log, topic string, i, size int) eventlog.ID {
	e := entry(size, "%d", i)
	if i%2 == 0 {
		e.Idempotency = &eventlog.Idempotency{Key: [16]byte{byte(i), byte(i >> 8), 1}}
	}
	receipt, err := log.Append(context.Background(), topic, e)
	if err != nil {
		t.Errorf("append to %s: %v", topic, err)
	}
	return receipt.ID
}

// topicOf returns a name as handlers have it: a part of a request's line.
func topicOf(i, topics int) string {
	name := fmt.Sprintf("topic-%d", i%topics)
	return (name + strings.Repeat("?", 4<<10))[:len(name)]
}

// profileAll has the heap profile know each allocation until the test ends: one
// in half a megabyte would not tell a tenth.
func profileAll(t *testing.T) {
	usual := runtime.MemProfileRate
	runtime.MemProfileRate = 1
	t.Cleanup(func() { runtime.MemProfileRate = usual })
}

// heap returns the bytes that are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what had finalizers
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// profiled returns the bytes in use that some functions have allocated, by
// their names.
func profiled(t *testing.T, functions ...string) (bytes int64) {
	t.Helper()
	runtime.GC() // the profile is that of the last but one
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 100)
	for {
		n, ok := runtime.MemProfile(records, false)
		if records = records[:min(n, len(records))]; ok {
			break
		}
		records = make([]runtime.MemProfileRecord, n+100)
	}
	for i := range records {
		if by(records[i].Stack(), functions) {
			bytes += records[i].InUseBytes()
		}
	}
	if bytes == 0 {
		t.Errorf("the heap profile has nothing of %v", functions)
	}
	return bytes
}

// by reports whether one of some functions is in a stack.
func by(stack []uintptr, functions []string) bool {
	frames := runtime.CallersFrames(stack)
	for {
		frame, more := frames.Next()
		for _, f := range functions {
			if strings.Contains(frame.Function, f) {
				return true
			}
		}
		if !more {
			return false
		}
	}
}
