package app

import (
	"cmp"
	"math"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// StressClass is the class of topics whose streams are stress traffic, left out
// of all objectives.
const StressClass = "stress"

// surroundings are what a look at all streams finds, once a second.
type surroundings struct {
	behind map[string]sse.Behind // by topic class
	stress int                   // streams on topics of StressClass
}

// lookAround looks at all streams, for figures, and returns how many are
// behind.
func (h *hub) lookAround() sse.Behind {
	all, byTopic := h.streams.Behind()
	s := surroundings{behind: map[string]sse.Behind{}}
	for topic, b := range byTopic {
		class := h.classes.of(topic).name
		sum := s.behind[class]
		sum.Connections += b.Connections
		sum.Bytes = max(sum.Bytes, b.Bytes)
		s.behind[class] = sum
	}
	if h.classes.index[StressClass] != nil {
		for topic, n := range h.streams.Topics() {
			if h.classes.of(topic).name == StressClass {
				s.stress += n
			}
		}
	}
	h.around.Store(&s)
	return all
}

func (h *hub) logFigures() observability.LogFigures {
	f := observability.LogFigures{MemoryBytes: h.events.Memory(), Headroom: map[string]time.Duration{}}
	for _, class := range h.classes.all {
		f.Headroom[class.name] = cmp.Or(h.settings.RetentionAge, math.MaxInt64) // 0: for ever
	}
	now := time.Now()
	for _, t := range h.events.Topics() {
		f.Topics++
		f.HotEvents += int64(t.Hot)
		if t.HotBytes > 0 {
			f.HotTopics++
		}
		if h.settings.Store != storeMemory {
			f.StoreBytes += t.State.Bytes
			f.Events += t.State.Events
		}
		if room, trimmed := headroom(t.State, now); trimmed {
			class := h.classes.of(t.Name).name
			f.Headroom[class] = min(f.Headroom[class], room)
		}
	}
	return f
}

// headroom returns how far back a client of a topic may have been away without
// missing anything, where retention has taken something from it: since the
// youngest event that is gone.
func headroom(s eventlog.State, now time.Time) (room time.Duration, trimmed bool) {
	if s.Trimmed == s.Born {
		return 0, false
	}
	return max(now.Sub(time.UnixMilli(int64(s.Trimmed.MS))), 0), true
}

// early reports whether a gap is within what retention promises: nothing that
// is told of it allows what is gone to be.
func (h *hub) early(gap *eventlog.GapError) bool {
	if gap.Cause != eventlog.Expired {
		return false
	}
	s := &h.settings
	state, exists := h.events.State(gap.Topic)
	if !exists || gap.Through.Less(state.Born) || gap.Through == state.Born {
		return false // of an earlier life of the topic, which was empty when it ended
	}
	young := s.RetentionAge == 0 || time.Since(time.UnixMilli(int64(gap.Through.MS))) < s.RetentionAge
	few := s.RetentionEvents == 0 || state.Events < int64(s.RetentionEvents)
	// Whole events go, so what a limit of bytes leaves is less by one at most. A
	// line ending of its data is kept as a line: one byte as seven.
	one := int64(len("data: \n"))*s.MaxEventBytes + mostAroundData
	small := s.RetentionBytes == 0 || state.Bytes+one <= s.RetentionBytes
	return young && few && small && (s.RetentionTotalBytes == 0 || h.totalBytes()+one <= s.RetentionTotalBytes)
}

// mostAroundData is more than an event's type, key and trace take beside the
// lines of its data.
const mostAroundData = 1 << 10

func (h *hub) totalBytes() (n int64) {
	for _, t := range h.events.Topics() {
		n += t.State.Bytes
	}
	return n
}
