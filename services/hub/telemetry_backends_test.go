package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// jaegerSpan is a span as Jaeger's query API has it.
type jaegerSpan struct {
	TraceID, SpanID, OperationName, ProcessID string
	References                                []struct{ RefType, TraceID, SpanID string }
	Tags                                      []struct {
		Key   string
		Value any
	}
}

type jaegerTrace struct {
	TraceID   string
	Spans     []jaegerSpan
	Processes map[string]struct{ ServiceName string }
}

func (j jaegerTrace) span(name string) (jaegerSpan, bool) {
	for _, s := range j.Spans {
		if s.OperationName == name {
			return s, true
		}
	}
	return jaegerSpan{}, false
}

func (s jaegerSpan) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

// refersTo reports whether a span has a reference to another.
func (s jaegerSpan) refersTo(kind, span string) bool {
	for _, r := range s.References {
		if r.RefType == kind && r.SpanID == span {
			return true
		}
	}
	return false
}

func askJSON(address string, query url.Values, into any) error {
	answer, err := http.Get(address + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%s: %s", address, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// jaegerTraces returns the traces that a search finds.
func jaegerTraces(t *testing.T, jaeger *backendtest.Backend, path string, query url.Values) []jaegerTrace {
	t.Helper()
	var answer struct{ Data []jaegerTrace }
	if err := askJSON(jaeger.URL("query")+path, query, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data
}

// lokiLines returns the hub's lines of a trace, and those without one where
// that is empty.
func lokiLines(t *testing.T, loki *backendtest.Backend, trace string) []logLine {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Stream map[string]string
				Values [][2]string
			}
		}
	}
	err := askJSON(loki.URL("http")+"/loki/api/v1/query_range", url.Values{
		"query": {fmt.Sprintf(`{service_name="hub", env="walk"} | trace_id="%s"`, trace)},
		"start": {strconv.FormatInt(time.Now().Add(-time.Hour).UnixNano(), 10)},
		"limit": {"1000"},
	}, &answer)
	if err != nil {
		t.Fatal(err)
	}
	var lines []logLine
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			line := logLine{}
			if err := json.Unmarshal([]byte(v[1]), &line); err != nil {
				t.Fatalf("%q: %v", v[1], err)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// eventTypes returns those of lines, each once, in order.
func eventTypes(lines []logLine) string {
	var types []string
	for _, l := range lines {
		types = append(types, fmt.Sprint(l["event_type"]))
	}
	slices.Sort(types)
	return strings.Join(slices.Compact(types), " ")
}

// exemplars returns the trace ids of a metric's exemplars.
func exemplars(t *testing.T, prometheus *backendtest.Backend, metric string) []string {
	t.Helper()
	var answer struct {
		Data []struct {
			Exemplars []struct{ Labels map[string]string }
		}
	}
	err := askJSON(prometheus.URL("http")+"/api/v1/query_exemplars", url.Values{
		"query": {metric}, "start": {fmt.Sprint(time.Now().Add(-time.Hour).Unix())}, "end": {fmt.Sprint(time.Now().Add(time.Hour).Unix())},
	}, &answer)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range answer.Data {
		for _, e := range d.Exemplars {
			ids = append(ids, e.Labels["trace_id"])
		}
	}
	return ids
}
