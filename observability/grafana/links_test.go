package grafana

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// The link from a span to its lines finds those of its trace, whoever logged
// them, in a real Loki.
func TestLinesOfSpan(t *testing.T) {
	t.Parallel()
	link := loadDatasources(t)["jaeger"].JSON.TracesToLogs
	if !link.CustomQuery || strings.Contains(link.Query, "${__tags}") {
		t.Fatalf("%+v", link)
	}
	loki := backendtest.Loki(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	now := fmt.Sprint(time.Now().UnixNano())
	push := fmt.Sprintf(`{"streams":[{"stream":{"service_name":"hub","level":"info","env":"test"},"values":[
		[%[1]q,"of the trace",{"trace_id":%[2]q}],[%[1]q,"of another",{"trace_id":"00000000000000000000000000000001"}]]},
		{"stream":{"service_name":"prober","level":"info","env":"test"},"values":[[%[1]q,"of the trace",{"trace_id":%[2]q}]]}]}`, now, trace)
	answer, err := http.Post(loki.URL("http")+"/loki/api/v1/push", "application/json", strings.NewReader(push))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	query := strings.ReplaceAll(link.Query, "${__trace.traceId}", trace)
	var last string
	for late := time.Now().Add(time.Minute); time.Now().Before(late); time.Sleep(200 * time.Millisecond) {
		var found struct {
			Data struct {
				Result []struct {
					Stream map[string]string
					Values [][2]string
				}
			}
		}
		last = ask(t, loki.URL("http")+"/loki/api/v1/query_range?"+url.Values{"query": {query}}.Encode(), &found)
		lines := map[string]string{}
		for _, r := range found.Data.Result {
			for _, v := range r.Values {
				lines[r.Stream["service_name"]] += v[1]
			}
		}
		if maps.Equal(lines, map[string]string{"hub": "of the trace", "prober": "of the trace"}) {
			return
		}
	}
	t.Errorf("%s finds %s", query, last)
}

// The metrics of a span are queries that a real Prometheus understands.
func TestQueriesOfSpan(t *testing.T) {
	t.Parallel()
	prometheus := backendtest.Prometheus(t)
	for _, q := range loadDatasources(t)["jaeger"].JSON.TracesToMetrics.Queries {
		query := strings.ReplaceAll(q.Query, "$__tags", `job="hub"`)
		var answer struct{ Status string }
		if text := ask(t, prometheus.URL("http")+"/api/v1/query?"+url.Values{"query": {query}}.Encode(), &answer); answer.Status != "success" {
			t.Errorf("%s: %s", query, text)
		}
	}
}

// ask reads the JSON at a URL and returns its text.
func ask(t *testing.T, url string, into any) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return err.Error() + ": " + string(text)
	}
	return string(text)
}
