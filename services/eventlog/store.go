package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Idempotency makes an append happen once, however often it is tried: where an
// entry with the same Key was committed to the same topic and is remembered,
// the append commits nothing and answers with that entry's id.
type Idempotency struct {
	// Key names the publish among all of its topic.
	Key [16]byte
	// Fingerprint stands for what is published. Another one under the same
	// key is ErrKeyReused.
	Fingerprint [16]byte
}

// Receipt is the answer to an append.
type Receipt struct {
	ID        ID
	Duplicate bool // an earlier append with the same key committed the event
}

// Result is the answer to one entry of an append.
type Result struct {
	Receipt Receipt
	Err     error
}

// FailAll answers as many entries with one error.
func FailAll(entries int, err error) []Result {
	results := make([]Result, entries)
	for i := range results {
		results[i].Err = err
	}
	return results
}

// Retention says how much of each topic a store keeps. A field of 0 or less
// sets no limit. It is applied in steps: a store may hold more for a moment,
// never less.
type Retention struct {
	Age        time.Duration // since the event's append
	Events     int64         // per topic
	Bytes      int64         // per topic, as Record.Size counts
	TotalBytes int64         // of all topics together
}

// State is what a store knows of a topic without reading it.
type State struct {
	Last    ID // the highest id ever committed
	Trimmed ID // everything at or below is gone; at least Born
	Born    ID // what the topic began above: nothing of it is older in this life of the store
	Oldest  ID // the oldest event that is there; zero where none is
	Events  int64
	Bytes   int64  // as Record.Size counts
	Number  uint64 // events that the topic has had in this life, gone ones included
	Ended   ID     // the topic's end, which nothing follows; zero: it goes on
}

// Outcome is the answer to a position at which a reader wants to start.
type Outcome string

// The outcomes.
const (
	OutcomeLive   Outcome = "live"   // at the head: nothing is there to be replayed
	OutcomeReplay Outcome = "replay" // everything after the position is there
	OutcomeGap    Outcome = "gap"    // some of it is gone
	OutcomeAhead  Outcome = "ahead"  // the position is newer than the log
)

// Resume decides where a reader starts that has read everything at or below
// at. The zero ID asks for all that this life of the topic has had.
func (s State) Resume(at ID) (ID, Outcome) {
	switch {
	case at.IsZero() && s.Trimmed == s.Born:
		if s.Born == s.Last {
			return s.Last, OutcomeLive
		}
		return s.Born, OutcomeReplay
	case at == s.Last:
		return s.Last, OutcomeLive
	case s.Last.Less(at):
		return s.Last, OutcomeAhead
	case at.Less(s.Trimmed):
		return s.Trimmed, OutcomeGap
	}
	return at, OutcomeReplay
}

// Sink is told what a store has committed. [Log] implements it.
type Sink interface {
	// Committed reports events of one topic in rising order. Each committed
	// event is reported once, before Append returns for it and after every
	// lower id of the topic. Their data is not kept.
	Committed(topic string, events []Event)
	// Trimmed reports a topic's state after retention took from it, and the
	// state that a new topic begins with where that is not zero. It is ordered
	// with Committed.
	Trimmed(topic string, s State)
	// Forgotten reports that an empty topic was removed to make room.
	Forgotten(topic string)
}

// Store is the deep log behind the hot tails. Implementations are safe for
// concurrent use and pass the suite of package logtest.
type Store interface {
	// Start gives the store its sink and returns the state of every topic
	// that it holds. It is called once, before everything else, and does not
	// itself call the sink.
	Start(Sink) (map[string]State, error)
	// Append commits entries to one topic and answers for each. Those that it
	// takes are committed in one step: after a crash all are there or none, and
	// readers find all or none. Their ids rise in their order, above every id
	// that the store gave before. Each is judged by itself, in that step and as
	// if the ones before it were committed: one that is refused leaves the
	// others as they are.
	//
	// First an entry with an idempotency key that is remembered is a duplicate,
	// or ErrKeyReused. Then a topic that has ended takes nothing (ErrTopicEnded),
	// and the entry's condition must hold (*ConditionError). A refusal is not
	// remembered. A key is remembered as KeyOptions say, even when its event is
	// gone. A duplicate creates no topic, nor does what is refused.
	//
	// When an answer has no error, the event is durable as the store promises
	// and the sink has seen it. An append waits for what is under way before it,
	// and answers nothing that follows from what may yet fail. The store keeps
	// neither the topic's name nor the entries: they are parts of a request,
	// which is larger. An error leaves it open what became of an entry only where
	// the context ended or the store itself failed. Other errors that callers
	// tell apart: ErrTooManyTopics, ErrStoreFailed, ErrClosed.
	Append(ctx context.Context, topic string, entries []Entry) []Result
	// Read visits the events after one position, zero being the topic's
	// beginning, up to and including another, rising, until visit returns false;
	// it visits at least one event where there is one. An event's Data holds only
	// during the call. Where the events that follow after directly are gone or
	// damaged it visits nothing and returns a *GapError with the position to go on
	// from; where that happens further on it returns nil, and the next Read
	// reports it.
	Read(ctx context.Context, topic string, after, until ID, visit func(Event) bool) error
	// Close lets running appends finish and releases everything.
	Close() error
}

// Errors of a Log and its stores.
var (
	// ErrTooManyTopics: a new topic would exceed the limit, and no empty one
	// could give way.
	ErrTooManyTopics = errors.New("too many topics")
	// ErrKeyReused: the idempotency key belongs to an entry with another
	// fingerprint.
	ErrKeyReused = errors.New("idempotency key reused for something else")
	// ErrTopicEnded: the topic has ended, and takes nothing more.
	ErrTopicEnded = errors.New("the topic has ended")
	// ErrStoreFailed: the store could not do its work. What it wraps says why.
	ErrStoreFailed = errors.New("store failed")
	// ErrClosed: the log is shut down.
	ErrClosed = errors.New("log closed")
)

// ConditionError: the condition of an entry does not hold.
type ConditionError struct {
	Latest ID // of the entry's key; zero: it has none
}

// Error describes what stands against the condition.
func (e *ConditionError) Error() string {
	if e.Latest.IsZero() {
		return "the key has no event"
	}
	return fmt.Sprintf("the latest event of the key is %v", e.Latest)
}

// Refused reports whether an append was refused for what was asked, by a store
// that works.
func Refused(err error) bool {
	var condition *ConditionError
	return errors.Is(err, ErrTooManyTopics) || errors.Is(err, ErrKeyReused) || errors.Is(err, ErrTopicEnded) || errors.As(err, &condition)
}

// Cause says why events are missing.
type Cause string

// The causes of a gap.
const (
	Expired Cause = "expired" // retention took them
	Damaged Cause = "damaged" // the store cannot read them any more
	Ahead   Cause = "ahead"   // the position is newer than the log
)

// GapError says that events between two positions are gone. It is an answer,
// not a failure: the reader goes on from Through.
type GapError struct {
	Topic   string
	After   ID // the position that was asked for
	Through ID // the position to go on from: nothing at or below it follows
	Cause   Cause
}

// Error describes the gap.
func (e *GapError) Error() string {
	return fmt.Sprintf("topic %s: events after %v through %v are gone (%s)", e.Topic, e.After, e.Through, e.Cause)
}
