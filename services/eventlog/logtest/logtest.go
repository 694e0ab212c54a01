// Package logtest holds what every log must keep: the suite that each
// implementation of eventlog.Store passes through eventlog.Log, and a store
// that injects faults.
//
// After each test of the suite [CheckLog] re-proves for all topics that what
// was acknowledged is there, in order, once.
package logtest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Config is what the suite wants of a store that it opens.
type Config struct {
	// Dir is a folder of the test's own. Whatever has the same Dir is the same
	// store; for one that keeps nothing in files it is a unique name.
	Dir       string
	Retention eventlog.Retention
	MaxTopics int
	Keys      eventlog.KeyOptions
	Now       func() time.Time // nil: time.Now
}

// Options say how a store is opened, and what it promises.
type Options struct {
	// Open opens a store.
	Open func(t *testing.T, c Config) eventlog.Store
	// Durable: the store holds what the hot tails don't, and across Close.
	// Without it, tests of what it implies are left out.
	Durable bool
	// Bubble: the store can run in a bubble of testing/synctest, where waiting
	// for retention takes no time. A store that talks to a network can't.
	Bubble bool
	// Beside is what the store takes on the heap for itself, whatever is in it.
	Beside int
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	if o.Open == nil {
		t.Fatal("logtest: Options.Open is missing")
	}
	for _, c := range []struct {
		name    string
		durable bool // needs a durable store
		waits   bool // for retention
		bubble  bool // for so long that it needs a bubble
		test    func(*testing.T, Options)
	}{
		{name: "IDsRise", test: testIDsRise},
		{name: "Sizes", test: testSizes},
		{name: "Records", durable: true, test: testRecords},
		{name: "Visibility", test: testVisibility},
		{name: "Concurrent", test: testConcurrent},
		{name: "ManyTopics", test: testManyTopics},
		{name: "TooManyTopics", test: testTooManyTopics},
		{name: "Forgetting", waits: true, test: testForgetting},
		{name: "ContextEnded", test: testContextEnded},
		{name: "Closed", test: testClosed},
		{name: "Duplicate", test: testDuplicate},
		{name: "DuplicatesTogether", test: testDuplicatesTogether},
		{name: "DuplicateNoTopic", waits: true, test: testDuplicateNoTopic},
		{name: "DuplicateReopened", durable: true, test: testDuplicateReopened},
		{name: "FailedOnce", test: testFailedOnce},
		{name: "TriedAgain", test: testTriedAgain},
		{name: "KeyLimit", test: testKeyLimit},
		{name: "KeyAge", bubble: true, waits: true, test: testKeyAge},
		{name: "AppendAll", test: testAppendAll},
		{name: "AppendAllKeys", test: testAppendAllKeys},
		{name: "Conditions", test: testConditions},
		{name: "ConditionsInBatch", test: testConditionsInBatch},
		{name: "ConditionsTogether", test: testConditionsTogether},
		{name: "ConditionsFailed", test: testConditionsFailed},
		{name: "ConditionsRetained", waits: true, test: testConditionsRetained},
		{name: "ConditionsReopened", durable: true, test: testConditionsReopened},
		{name: "Ended", test: testEnded},
		{name: "OneStep", test: testOneStep},
		{name: "Reopen", durable: true, test: testReopen},
		{name: "ClockSteps", durable: true, test: testClockSteps},
		{name: "FarBehind", durable: true, test: testFarBehind},
		{name: "BetweenEvents", durable: true, test: testBetweenEvents},
		{name: "IdleGiveWay", durable: true, test: testIdleGiveWay},
		{name: "ReadPages", durable: true, test: testReadPages},
		{name: "RetainEvents", waits: true, test: testRetainEvents},
		{name: "RetainBytes", waits: true, test: testRetainBytes},
		{name: "RetainAge", waits: true, test: testRetainAge},
		{name: "RetainAll", waits: true, test: testRetainAll},
		{name: "RetainTotal", durable: true, waits: true, test: testRetainTotal},
		{name: "RetainAtOpen", durable: true, waits: true, test: testRetainAtOpen},
		{name: "RetainUnderLoad", waits: true, test: testRetainUnderLoad},
		{name: "Memory", waits: true, test: testMemory},
		{name: "MemoryTopics", waits: true, test: testMemoryTopics},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch {
			case c.durable && !o.Durable:
				t.Skip("not a durable store")
			case c.bubble && !o.Bubble:
				t.Skip("the store can't run in a bubble")
			case c.waits && o.Bubble:
				synctest.Test(t, func(t *testing.T) { c.test(t, o) })
			default:
				c.test(t, o)
			}
		})
	}
}

// open opens a log that the test closes at the latest.
func (o Options) open(t *testing.T, c Config, l eventlog.Options) *eventlog.Log {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	log, err := eventlog.Open(o.Open(t, c), l)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { shut(t, log) })
	return log
}

// shut closes a log, which may be closed already.
func shut(t *testing.T, log *eventlog.Log) {
	t.Helper()
	if err := log.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
