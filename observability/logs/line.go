package logs

import (
	"strings"
	"time"

	"github.com/grafana/loki/pkg/push"
)

// A line is read by the sender rather than described by whoever logs: that
// costs a call nothing. In JSON the text `"key":"` is a key and its value and
// nothing else, since a quote within a text is escaped; slog writes time and
// level first.

// lineTime returns when a line was logged, or now if it does not say.
func lineTime(line string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, field(line, `"time":"`))
	if err != nil {
		return time.Now()
	}
	return at
}

// lineLevel returns which of the four levels of slog a line belongs to: those
// between are written as INFO+2.
func lineLevel(line string) string {
	level := field(line, `"level":"`)
	if end := strings.IndexAny(level, "+-"); end >= 0 {
		level = level[:end]
	}
	return level
}

// lineIDs returns the trace and the span of a line, those that it has.
func lineIDs(line string) (ids push.LabelsAdapter) {
	if id := field(line, `"trace_id":"`); id != "" {
		ids = append(ids, push.LabelAdapter{Name: "trace_id", Value: id})
	}
	if id := field(line, `"span_id":"`); id != "" {
		ids = append(ids, push.LabelAdapter{Name: "span_id", Value: id})
	}
	return ids
}

// longestField is more than an id or a time has. Loki refuses a push for
// metadata that is too long.
const longestField = 64

// field returns the text after the first such key, or "" if there is none or
// it is not as plain as an id or a time.
func field(line, key string) string {
	_, rest, _ := strings.Cut(line, key)
	value, _, _ := strings.Cut(rest, `"`)
	if len(value) > longestField || strings.Contains(value, `\`) {
		return ""
	}
	return value
}
