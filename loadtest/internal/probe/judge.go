package probe

import (
	"slices"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// outcomes is told how each round ended, once.
type outcomes interface {
	succeeded(r *round, took time.Duration) // the event was read in time
	failed(r *round, why reason)
}

// together is within which time events have arrived at the same moment.
const together = 50 * time.Millisecond

// round is one event, from its publish to its reading.
type round struct {
	name     string       // the event's data
	trace    target.Trace // of its publish
	started  time.Time
	answered time.Time // when the hub had taken it; zero: not yet
	refused  error     // or why it will not be
	read     time.Time // zero: not yet
}

// judge decides about the rounds of one target. It has no clock and no
// goroutine: it is told what happened when, in the order of time. Rounds are
// decided by tick.
type judge struct {
	interval time.Duration // between publishes
	timeout  time.Duration // for a round
	out      outcomes

	rounds  []*round // that are not decided, oldest first
	arrived []*round // whose events came lately, decided or not
	holding bool     // the last that was seen of the stream is that it is held back
	stream  stream
}

// start notes that a round begins.
func (j *judge) start(name string, trace target.Trace, at time.Time) {
	j.rounds = append(j.rounds, &round{name: name, trace: trace, started: at})
}

func (j *judge) find(name string) *round {
	for _, r := range j.rounds {
		if r.name == name {
			return r
		}
	}
	return nil
}

// published notes the hub's answer: nil, or why it has not taken the event.
func (j *judge) published(name string, refused error, at time.Time) {
	r := j.find(name)
	switch {
	case r == nil: // decided long ago
	case refused == nil:
		r.answered = at
	default:
		r.refused = refused
		j.holding = false // not the stream alone is in trouble
	}
}

// read notes an event that the stream brought.
func (j *judge) read(name string, at time.Time) {
	if r := j.find(name); r != nil && r.read.IsZero() {
		r.read = at
		j.arrived = append(j.arrived, r)
	}
}

// quick reports whether the hub took the event as fast as it does when it is
// well: what is late then is late for another reason.
func (j *judge) quick(r *round) bool {
	return !r.answered.IsZero() && r.answered.Sub(r.started) < j.interval/4
}

// late reports whether an event waited on its way although the hub was quick
// and the stream was there all the time: open, or held back before.
func (j *judge) late(r *round) bool {
	return j.quick(r) && (j.holding || j.stream.openSince(r.started)) && r.read.Sub(r.answered) >= j.interval/4
}

// bunched reports whether another late event arrived at the same moment as
// this one, though published at another time.
func (j *judge) bunched(r *round) bool {
	return slices.ContainsFunc(j.arrived, func(other *round) bool {
		return j.late(other) && other.read.Sub(r.read).Abs() < together && other.answered.Sub(r.answered).Abs() >= j.interval/2
	})
}

// tick decides about the rounds that can be decided.
func (j *judge) tick(now time.Time) {
	j.rounds = slices.DeleteFunc(j.rounds, func(r *round) bool { return j.decide(r, now) })
	j.arrived = slices.DeleteFunc(j.arrived, func(r *round) bool { return now.Sub(r.read) > 4*together && !slices.Contains(j.rounds, r) })
}

// decide reports whether a round has been decided.
func (j *judge) decide(r *round, now time.Time) bool {
	over := now.Sub(r.started) >= j.timeout
	switch {
	case r.refused != nil, r.answered.IsZero() && over:
		j.out.failed(r, failedPublish)
	case r.answered.IsZero(), r.read.IsZero() && !over, !r.read.IsZero() && now.Sub(r.read) < together:
		return false // something may come yet, be it another event at the same moment
	case r.read.IsZero():
		j.out.failed(r, j.unread(r, now))
	case r.read.Sub(r.started) >= j.timeout:
		j.out.failed(r, failedTimeout)
	case j.late(r) && (j.holding || j.bunched(r)):
		j.holding = true
		j.out.failed(r, failedBuffering)
	default:
		onTime := j.stream.openSince(r.started) && !j.late(r) && !j.bunched(r)
		j.holding = j.holding && !onTime
		j.out.succeeded(r, r.read.Sub(r.started))
	}
	return true
}

// unread returns why an event that was published has not come.
func (j *judge) unread(r *round, now time.Time) reason {
	s := &j.stream
	if s.unanswered(now) > j.timeout-j.interval && j.quick(r) {
		j.holding = true
	}
	switch {
	case j.holding:
		return failedBuffering
	case s.broke.After(r.started):
		return failedRead
	case !s.openSince(r.started):
		return failedConnect
	}
	return failedTimeout
}
