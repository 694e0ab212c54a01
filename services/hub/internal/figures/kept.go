package figures

import (
	"cmp"
	"math"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Kept looks at what the log keeps.
type Kept struct {
	Settings *settings.Settings
	Log      *eventlog.Log
	Classes  *Classes
}

// Figures returns what the log holds.
func (k *Kept) Figures() observability.LogFigures {
	f := observability.LogFigures{MemoryBytes: k.Log.Memory(), Headroom: map[string]time.Duration{}}
	for _, class := range k.Classes.all {
		f.Headroom[class.Name] = cmp.Or(k.Settings.RetentionAge, math.MaxInt64) // 0: for ever
	}
	now := time.Now()
	for _, t := range k.Log.Topics() {
		f.Topics++
		f.HotEvents += int64(t.Hot)
		if t.HotBytes > 0 {
			f.HotTopics++
		}
		if k.Settings.Store != settings.Memory {
			f.StoreBytes += t.State.Bytes
			f.Events += t.State.Events
		}
		if room, trimmed := headroom(t.State, now); trimmed {
			class := k.Classes.Of(t.Name).Name
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

// Early reports whether a gap is within what retention promises: nothing that
// is told of it allows what is gone to be.
func (k *Kept) Early(gap *eventlog.GapError) bool {
	if gap.Cause != eventlog.Expired {
		return false
	}
	s := k.Settings
	state, exists := k.Log.State(gap.Topic)
	if !exists || gap.Through.Less(state.Born) || gap.Through == state.Born {
		return false // of an earlier life of the topic, which was empty when it ended
	}
	young := s.RetentionAge == 0 || time.Since(time.UnixMilli(int64(gap.Through.MS))) < s.RetentionAge
	few := s.RetentionEvents == 0 || state.Events < int64(s.RetentionEvents)
	// Whole events go, so what a limit of bytes leaves is less by one at most. A
	// line ending of its data is kept as a line: one byte as seven.
	one := int64(len("data: \n"))*s.MaxEventBytes + mostAroundData
	small := s.RetentionBytes == 0 || state.Bytes+one <= s.RetentionBytes
	return young && few && small && (s.RetentionTotalBytes == 0 || k.totalBytes()+one <= s.RetentionTotalBytes)
}

// mostAroundData is more than an event's type, key and trace take beside the
// lines of its data.
const mostAroundData = 1 << 10

func (k *Kept) totalBytes() (n int64) {
	for _, t := range k.Log.Topics() {
		n += t.State.Bytes
	}
	return n
}
