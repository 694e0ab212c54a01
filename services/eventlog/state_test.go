package eventlog

import (
	"math"
	"testing"
	"time"
)

func idOf(ms, seq uint64) ID { return ID{MS: ms, Seq: seq} }

func TestClock(t *testing.T) {
	now := int64(1000)
	c := Clock{Now: func() time.Time { return time.UnixMilli(now) }}
	for _, s := range []struct {
		now  int64
		want ID
	}{
		{1000, idOf(1000, 0)},
		{1000, idOf(1000, 1)}, // the same millisecond
		{1001, idOf(1001, 0)},
		{900, idOf(1001, 1)}, // it was set back
		{-5, idOf(1001, 2)},  // to before 1970
		{1001, idOf(1001, 3)},
		{1002, idOf(1002, 0)},
	} {
		now = s.now
		if id := c.Next(); id != s.want {
			t.Errorf("at %d: %v, want %v", s.now, id, s.want)
		}
	}
	c.Last = idOf(5000, math.MaxUint64) // known from before
	if id := c.Next(); id != (idOf(5001, 0)) {
		t.Errorf("after the last of a millisecond: %v", id)
	}
	now = -1
	if id := (&Clock{Now: c.Now}).Next(); id.IsZero() {
		t.Error("the zero id was given")
	}
	if id := new(Clock).Next(); id.MS < 1_700_000_000_000 {
		t.Errorf("the system's clock is at %v", id)
	}
}

func TestResume(t *testing.T) {
	var (
		nothing = State{}
		whole   = State{Last: idOf(50, 0), Oldest: idOf(10, 0), Events: 5}
		reborn  = State{Last: idOf(50, 0), Trimmed: idOf(5, 0), Born: idOf(5, 0), Oldest: idOf(10, 0), Events: 5}
		trimmed = State{Last: idOf(50, 0), Trimmed: idOf(20, 0), Oldest: idOf(30, 0), Events: 2}
		emptied = State{Last: idOf(50, 0), Trimmed: idOf(50, 0), Born: idOf(5, 0)}
		born    = State{Last: idOf(5, 0), Trimmed: idOf(5, 0), Born: idOf(5, 0)}
	)
	for _, c := range []struct {
		name    string
		state   State
		at      ID
		want    ID
		outcome Outcome
	}{
		{"nothing from zero", nothing, ID{}, ID{}, OutcomeLive},
		{"nothing from elsewhere", nothing, idOf(7, 0), ID{}, OutcomeAhead},
		{"whole from zero", whole, ID{}, ID{}, OutcomeReplay},
		{"whole from an event", whole, idOf(30, 0), idOf(30, 0), OutcomeReplay},
		{"whole from between events", whole, idOf(31, 7), idOf(31, 7), OutcomeReplay},
		{"whole from the head", whole, idOf(50, 0), idOf(50, 0), OutcomeLive},
		{"whole from beyond", whole, idOf(50, 1), idOf(50, 0), OutcomeAhead},
		{"reborn from zero", reborn, ID{}, idOf(5, 0), OutcomeReplay},
		{"reborn from an earlier life", reborn, idOf(3, 0), idOf(5, 0), OutcomeGap},
		{"reborn from its birth", reborn, idOf(5, 0), idOf(5, 0), OutcomeReplay},
		{"trimmed from zero", trimmed, ID{}, idOf(20, 0), OutcomeGap},
		{"trimmed from below", trimmed, idOf(19, 9), idOf(20, 0), OutcomeGap},
		{"trimmed from the edge", trimmed, idOf(20, 0), idOf(20, 0), OutcomeReplay},
		{"emptied from zero", emptied, ID{}, idOf(50, 0), OutcomeGap},
		{"emptied from the head", emptied, idOf(50, 0), idOf(50, 0), OutcomeLive},
		{"emptied from below", emptied, idOf(49, 0), idOf(50, 0), OutcomeGap},
		{"just born from zero", born, ID{}, idOf(5, 0), OutcomeLive},
	} {
		if at, outcome := c.state.Resume(c.at); at != c.want || outcome != c.outcome {
			t.Errorf("%s: %v at %v, want %v at %v", c.name, outcome, at, c.outcome, c.want)
		}
	}
}
