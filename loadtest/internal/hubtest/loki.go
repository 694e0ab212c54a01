package hubtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// Lines returns what a Loki has of a service, in an environment, that belongs to
// a trace; of all traces and of none where that is empty.
func Lines(t testing.TB, loki *backendtest.Backend, service, environment, trace string) []string {
	t.Helper()
	query := fmt.Sprintf(`{service_name=%q, env=%q}`, service, environment)
	if trace != "" {
		query += fmt.Sprintf(` | trace_id=%q`, trace)
	}
	text := Get(t, loki.URL("http")+"/loki/api/v1/query_range?"+url.Values{
		"query": {query}, "limit": {"5000"}, "direction": {"forward"},
		"start": {strconv.FormatInt(time.Now().Add(-time.Hour).UnixNano(), 10)},
	}.Encode())
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]string }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			lines = append(lines, v[1])
		}
	}
	return lines
}

// AwaitInLoki waits until a service's line is found by its trace.
func AwaitInLoki(t testing.TB, loki *backendtest.Backend, service, environment string, line Line) {
	t.Helper()
	Await(t, "in Loki "+line.Text, func() bool {
		return slices.Contains(Lines(t, loki, service, environment, line.TraceID), line.Text)
	})
}

// Line is a line of a log.
type Line struct {
	Text    string `json:"-"`
	Message string `json:"msg"`
	Level   string `json:"level"`
	TraceID string `json:"trace_id"`
}

// Log reads what a command has written so far, as lines.
func Log(t testing.TB, text string) []Line {
	t.Helper()
	var all []Line
	for text := range strings.Lines(text) {
		line := Line{Text: strings.TrimSuffix(text, "\n")}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, line)
	}
	return all
}

// AwaitLine waits for a line of a command that has a text and a trace.
func AwaitLine(t testing.TB, out fmt.Stringer, text string) (found Line) {
	t.Helper()
	Await(t, "a line of "+text, func() bool {
		for _, found = range Log(t, out.String()) {
			if found.TraceID != "" && strings.Contains(found.Text, text) {
				return true
			}
		}
		return false
	})
	return found
}
