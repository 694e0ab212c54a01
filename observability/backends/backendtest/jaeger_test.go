package backendtest

import (
	"fmt"
	"testing"
	"time"
)

const (
	sentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	sentSpan  = "00f067aa0ba902b7"
)

func sendSpan(t *testing.T, jaeger *Backend) {
	t.Helper()
	nano := func(at time.Time) string { return fmt.Sprint(at.UnixNano()) }
	now := time.Now()
	post(t, jaeger.URL("otlp-http")+"/v1/traces", map[string]any{"resourceSpans": []any{map[string]any{
		"resource": map[string]any{"attributes": []any{
			map[string]any{"key": "service.name", "value": map[string]any{"stringValue": "hub"}},
		}},
		"scopeSpans": []any{map[string]any{"spans": []any{map[string]any{
			"traceId": sentTrace, "spanId": sentSpan, "name": "sse.publish", "kind": 4,
			"startTimeUnixNano": nano(now.Add(-time.Millisecond)), "endTimeUnixNano": nano(now),
		}}}},
	}}})
}

// A span that came by OTLP is found by its trace id, and by its service, also
// after a kill and a restart.
func TestJaeger(t *testing.T) {
	t.Parallel()
	jaeger := Jaeger(t)
	sendSpan(t, jaeger)
	there := func() {
		t.Helper()
		for _, path := range []string{"/api/traces/" + sentTrace, "/api/traces?service=hub&lookback=1h&limit=20"} {
			eventually(t, path, func() error { return hasSpan(jaeger.URL("query") + path) })
		}
	}
	there()
	jaeger.Kill()
	jaeger.Start()
	there()
	jaeger.Stop()
	jaeger.Start()
	there()
}

func hasSpan(url string) error {
	var answer struct {
		Data []struct {
			Spans []struct{ SpanID, OperationName string }
		}
	}
	if err := get(url, nil, &answer); err != nil {
		return err
	}
	if len(answer.Data) != 1 || len(answer.Data[0].Spans) != 1 ||
		answer.Data[0].Spans[0].SpanID != sentSpan || answer.Data[0].Spans[0].OperationName != "sse.publish" {
		return fmt.Errorf("found %+v", answer.Data)
	}
	return nil
}
