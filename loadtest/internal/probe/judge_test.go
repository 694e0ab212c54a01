package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// verdicts are how rounds ended, in words.
type verdicts []string

func (v *verdicts) succeeded(_ *round, took time.Duration) {
	*v = append(*v, "ok "+took.String())
}
func (v *verdicts) failed(_ *round, why reason) { *v = append(*v, string(why)) }

// story tells a judge what happened at which millisecond, with ticks between.
type story struct {
	now  int
	then time.Time
	v    verdicts
	j    judge
}

func newStory() *story {
	s := &story{then: time.Unix(1_700_000_000, 0)}
	s.j = judge{interval: time.Second, timeout: 5 * time.Second, out: &s.v}
	return s
}

func (s *story) at(ms int) time.Time {
	for ; s.now < ms; s.now += 10 {
		s.j.tick(s.then.Add(time.Duration(s.now) * time.Millisecond))
	}
	return s.then.Add(time.Duration(ms) * time.Millisecond)
}

// tell is one line of a story, such as "1000 start a" or "1003 read a".
func (s *story) tell(t *testing.T, line string) {
	var ms int
	var what, name string
	if n, _ := fmt.Sscanf(line, "%d %s %s", &ms, &what, &name); n < 2 {
		t.Fatalf("%q", line)
	}
	at := s.at(ms)
	switch what {
	case "start":
		s.j.start(name, target.Trace{}, at)
	case "answer":
		s.j.published(name, nil, at)
	case "refuse":
		s.j.published(name, errors.New("refused"), at)
	case "read":
		s.j.read(name, at)
	case "ask":
		s.j.stream.connecting(at)
	case "open":
		s.j.stream.open(at)
	case "no":
		s.j.stream.refused(false)
	case "silence":
		s.j.stream.refused(true)
	case "break":
		s.j.stream.ended(false, at)
	case "end":
		s.j.stream.ended(true, at)
	case "wait":
	default:
		t.Fatalf("%q", line)
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct{ story, want string }{
		"well":               {"0 open|100 start a|105 answer a|106 read a|1100 start b|1104 read b|1105 answer b|1300 wait", "ok 6ms,ok 4ms"},
		"slow hub":           {"0 open|100 start a|1105 answer a|1106 read a|1100 start b|2104 read b|2105 answer b|2300 wait", "ok 1.006s,ok 1.004s"},
		"slow, but in turn":  {"0 open|100 start a|105 answer a|900 read a|1100 start b|1104 answer b|1900 read b|2300 wait", "ok 800ms,ok 800ms"},
		"refused":            {"0 open|100 start a|105 refuse a|200 wait", "publish"},
		"no answer":          {"0 open|100 start a|5200 wait", "publish"},
		"read, not answered": {"0 open|100 start a|110 read a|5200 wait", "publish"},
		"lost":               {"0 open|100 start a|105 answer a|5050 wait", ""},
		"lost, told":         {"0 open|100 start a|105 answer a|5200 wait", "timeout"},
		"no stream":          {"0 ask|50 no|100 start a|105 answer a|1000 ask|1001 no|5200 wait", "connect"},
		"stream too late":    {"0 ask|50 no|100 start a|105 answer a|1000 ask|1001 open|5200 wait", "connect"},
		"broken":             {"0 open|100 start a|101 break|105 answer a|1000 ask|1001 no|5200 wait", "read"},
		"broken, resumed":    {"0 open|100 start a|101 break|105 answer a|1000 ask|1001 open|1002 read a|5200 wait", "ok 902ms"},
		"broken, not resumed": {"0 open|100 start a|101 break|105 answer a|1000 ask|1001 open|5200 wait",
			"read"},
		"drained": {"0 open|90 end|100 start a|105 answer a|5200 wait", "connect"},
		"resumed, two at once": {"0 open|50 break|100 start a|105 answer a|1100 start b|1105 answer b|1900 ask|1901 open|1902 read a|1902 read b|2300 wait",
			"ok 1.802s,ok 802ms"},
		"bunched": {"0 open|100 start a|105 answer a|1100 start b|1105 answer b|2000 read a|2001 read b|3000 wait", "buffering,buffering"},
		"bunched, with a fresh one": {"0 open|100 start a|105 answer a|1100 start b|1105 answer b|2100 start c|2105 answer c|2107 read a|2108 read b|2109 read c|2400 wait",
			"buffering,buffering,ok 9ms"},
		"we stood still": {"0 open|100 start a|105 answer a|3100 start b|3101 read a|3105 answer b|3106 read b|3500 wait", "ok 3.001s,ok 6ms"},
		"the hub stood still": {"0 open|100 start a|105 answer a|1100 start b|3101 read a|3105 answer b|3106 read b|3500 wait",
			"ok 3.001s,ok 2.006s"},
		"held back from the start": {"0 ask|100 start a|105 answer a|5200 wait", "buffering"},
		"held back, asked again":   {"0 ask|100 start a|105 answer a|3000 silence|3100 ask|5200 wait", "buffering"},
		"all is slow":              {"0 ask|100 start a|4105 answer a|5200 wait", "connect"},
		"held back, then in lumps": {"0 ask|100 start a|105 answer a|1100 start b|1105 answer b|5200 open|5200 read b|6100 start c|6105 answer c|12000 wait",
			"buffering,buffering,buffering"},
		"no longer held back": {"0 ask|100 start a|105 answer a|5200 open|6100 start c|6105 answer c|6106 read c|7100 start d|7105 answer d|12500 wait",
			"buffering,ok 6ms,timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			for line := range strings.SplitSeq(c.story, "|") {
				s.tell(t, line)
			}
			if got := strings.Join(slices.Clone(s.v), ","); got != c.want {
				t.Errorf("%s\nends as %q, want %q", c.story, got, c.want)
			}
		})
	}
}

// A judge keeps no round for longer than it takes to decide, however it goes.
func TestJudgeForgets(t *testing.T) {
	s := newStory()
	s.tell(t, "0 open")
	for n := range 1000 {
		s.tell(t, fmt.Sprintf("%d start r%d", n*1000, n))
		s.tell(t, fmt.Sprintf("%d answer r%d", n*1000+5, n))
		if n%3 > 0 {
			s.tell(t, fmt.Sprintf("%d read r%d", n*1000+5+n%7*200, n))
		}
		if len(s.j.rounds) > 6 || len(s.j.arrived) > 6 {
			t.Fatalf("%d rounds, %d arrivals", len(s.j.rounds), len(s.j.arrived))
		}
	}
	s.tell(t, "1100000 wait")
	if len(s.v) != 1000 || len(s.j.rounds) != 0 {
		t.Errorf("%d rounds ended of 1000, %d are left", len(s.v), len(s.j.rounds))
	}
}
