package eventlog

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseID(t *testing.T) {
	for _, c := range []struct {
		text string
		want ID
	}{
		{"0", ID{}},
		{"0-0", ID{}},
		{"0-1", ID{0, 1}},
		{"1763820000000-0", ID{1763820000000, 0}},
		{"18446744073709551615-18446744073709551615", MaxID},
	} {
		if id, err := ParseID(c.text); err != nil || id != c.want {
			t.Errorf("ParseID(%q) = %v, %v; want %v", c.text, id, err, c.want)
		}
	}
	for _, text := range []string{
		"", "-", "1", "1-", "-1", "$", "1-2-3", "01-2", "1-02", "00-0", "+1-2", "1-+2", "-1-2", "1--2", " 1-2", "1-2 ", "1-2\n",
		"1_0-2", "0x1-2", "1.0-2", "18446744073709551616-0", "0-18446744073709551616", strings.Repeat("1", 500) + "-0", "a-b", "1–2",
	} {
		if id, err := ParseID(text); err != ErrBadID {
			t.Errorf("ParseID(%q) = %v, %v; want %v", text, id, err, ErrBadID)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, text := range []string{"0", "0-0", "1763820000000-17", "1-01", "18446744073709551615-18446744073709551615", "--", "1-"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			return
		}
		if text != id.String() && text != "0" {
			t.Errorf("%q is read as %v, so there are two spellings", text, id)
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Errorf("%v is read as %v, %v", id, again, err)
		}
		if n := idLineLen(id); n != len(appendIDLine(nil, id)) {
			t.Errorf("the id line of %v has length %d, not %d", id, len(appendIDLine(nil, id)), n)
		}
	})
}

func TestIDOrder(t *testing.T) {
	ids := []ID{{}, {0, 1}, {0, math.MaxUint64}, {1, 0}, {1, 1}, {2, 0}, {math.MaxUint64, 0}, MaxID}
	for i, a := range ids {
		for j, b := range ids {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if a.Compare(b) != want || a.Less(b) != (want < 0) {
				t.Errorf("%v to %v: %d, %v", a, b, a.Compare(b), a.Less(b))
			}
		}
		if a.IsZero() != (i == 0) {
			t.Errorf("%v is zero: %v", a, a.IsZero())
		}
	}
	if !slices.IsSortedFunc(ids, ID.Compare) {
		t.Error("they are not sorted")
	}
	if got, want := (ID{5, math.MaxUint64}).next(), (ID{6, 0}); got != want {
		t.Errorf("next is %v, want %v", got, want)
	}
}

func TestClock(t *testing.T) {
	now := int64(1000)
	c := Clock{Now: func() time.Time { return time.UnixMilli(now) }}
	for _, s := range []struct {
		now  int64
		want ID
	}{
		{1000, ID{1000, 0}},
		{1000, ID{1000, 1}}, // the same millisecond
		{1001, ID{1001, 0}},
		{900, ID{1001, 1}}, // it was set back
		{-5, ID{1001, 2}},  // to before 1970
		{1001, ID{1001, 3}},
		{1002, ID{1002, 0}},
	} {
		now = s.now
		if id := c.Next(); id != s.want {
			t.Errorf("at %d: %v, want %v", s.now, id, s.want)
		}
	}
	c.Last = ID{5000, math.MaxUint64} // known from before
	if id := c.Next(); id != (ID{5001, 0}) {
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

func TestValidTopic(t *testing.T) {
	for _, name := range []string{"a", "orders", "Orders-1.eu_west", "-", "_", "0", "a.", strings.Repeat("x", MaxTopicName)} {
		if !ValidTopic(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", ".", ".hidden", "a/b", "a b", "a\x00", "ä", "a,b", "a:b", "{a}", "*", "a\n", strings.Repeat("x", MaxTopicName+1)} {
		if ValidTopic(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestResume(t *testing.T) {
	var (
		nothing = State{}
		whole   = State{Last: ID{50, 0}, Oldest: ID{10, 0}, Events: 5}
		reborn  = State{Last: ID{50, 0}, Trimmed: ID{5, 0}, Born: ID{5, 0}, Oldest: ID{10, 0}, Events: 5}
		trimmed = State{Last: ID{50, 0}, Trimmed: ID{20, 0}, Oldest: ID{30, 0}, Events: 2}
		emptied = State{Last: ID{50, 0}, Trimmed: ID{50, 0}, Born: ID{5, 0}}
		born    = State{Last: ID{5, 0}, Trimmed: ID{5, 0}, Born: ID{5, 0}}
	)
	for _, c := range []struct {
		name    string
		state   State
		at      ID
		want    ID
		outcome Outcome
	}{
		{"nothing from zero", nothing, ID{}, ID{}, OutcomeLive},
		{"nothing from elsewhere", nothing, ID{7, 0}, ID{}, OutcomeAhead},
		{"whole from zero", whole, ID{}, ID{}, OutcomeReplay},
		{"whole from an event", whole, ID{30, 0}, ID{30, 0}, OutcomeReplay},
		{"whole from between events", whole, ID{31, 7}, ID{31, 7}, OutcomeReplay},
		{"whole from the head", whole, ID{50, 0}, ID{50, 0}, OutcomeLive},
		{"whole from beyond", whole, ID{50, 1}, ID{50, 0}, OutcomeAhead},
		{"reborn from zero", reborn, ID{}, ID{5, 0}, OutcomeReplay},
		{"reborn from an earlier life", reborn, ID{3, 0}, ID{5, 0}, OutcomeGap},
		{"reborn from its birth", reborn, ID{5, 0}, ID{5, 0}, OutcomeReplay},
		{"trimmed from zero", trimmed, ID{}, ID{20, 0}, OutcomeGap},
		{"trimmed from below", trimmed, ID{19, 9}, ID{20, 0}, OutcomeGap},
		{"trimmed from the edge", trimmed, ID{20, 0}, ID{20, 0}, OutcomeReplay},
		{"emptied from zero", emptied, ID{}, ID{50, 0}, OutcomeGap},
		{"emptied from the head", emptied, ID{50, 0}, ID{50, 0}, OutcomeLive},
		{"emptied from below", emptied, ID{49, 0}, ID{50, 0}, OutcomeGap},
		{"just born from zero", born, ID{}, ID{5, 0}, OutcomeLive},
	} {
		if at, outcome := c.state.Resume(c.at); at != c.want || outcome != c.outcome {
			t.Errorf("%s: %v at %v, want %v at %v", c.name, outcome, at, c.outcome, c.want)
		}
	}
}
