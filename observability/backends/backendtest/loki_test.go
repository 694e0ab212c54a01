package backendtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// found returns the lines of the hub with that trace id.
func found(loki *Backend, trace string) ([]string, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Values [][2]string
			}
		}
	}
	err := get(loki.URL("http")+"/loki/api/v1/query_range", url.Values{
		"query": {fmt.Sprintf(`{service_name="hub"} | trace_id="%s"`, trace)},
		"start": {strconv.FormatInt(time.Now().Add(-2*time.Hour).UnixNano(), 10)},
	}, &answer)
	var lines []string
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			lines = append(lines, v[1])
		}
	}
	return lines, err
}

func pushLine(t *testing.T, loki *Backend, at time.Time, line, trace string) {
	t.Helper()
	post(t, loki.URL("http")+"/loki/api/v1/push", map[string]any{"streams": []any{map[string]any{
		"stream": map[string]string{"service_name": "hub", "level": "info", "env": "test"},
		"values": []any{[]any{strconv.FormatInt(at.UnixNano(), 10), line, map[string]string{"trace_id": trace}}},
	}}})
}

// A line is found by the trace id of its structured metadata, among others of
// its stream, also one from before the newest, and after a restart and a kill.
func TestLoki(t *testing.T) {
	t.Parallel()
	loki := Loki(t)
	wantsConfig(t, loki, "retention_enabled: true", "retention_period: 1w", "reporting_enabled: false")
	now := time.Now()
	lines := map[string]string{ // by trace id
		"4bf92f3577b34da6a3ce929d0e0e4736": "delivered",
		"00000000000000000000000000000001": "another",
		"00000000000000000000000000000002": "an hour late",
	}
	for trace, line := range lines {
		at := now
		if line == "an hour late" {
			at = now.Add(-time.Hour)
		}
		pushLine(t, loki, at, line, trace)
	}
	all := func() {
		t.Helper()
		for trace, line := range lines {
			eventually(t, line, func() error {
				got, err := found(loki, trace)
				if err == nil && (len(got) != 1 || got[0] != line) {
					err = fmt.Errorf("found %q", got)
				}
				return err
			})
		}
	}
	all()
	loki.Stop()
	loki.Start()
	all()
	lines["00000000000000000000000000000003"] = "just before a power cut"
	pushLine(t, loki, time.Now(), "just before a power cut", "00000000000000000000000000000003")
	loki.Kill()
	loki.Start()
	all()
}

// wantsConfig looks at the configuration as Loki understood it: what it
// deletes, and when, would take a day to see.
func wantsConfig(t *testing.T, loki *Backend, lines ...string) {
	t.Helper()
	response, err := http.Get(loki.URL("http") + "/config")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("Loki's configuration does not have %q", line)
		}
	}
}

// What a busy hub logs is not refused for its rate, although it is one stream
// (Loki's own limit is 3 MB/s, 15 MB at once), and the labels stay three.
func TestLokiLimits(t *testing.T) {
	t.Parallel()
	loki := Loki(t)
	line := strings.Repeat("x", 30_000)
	now := time.Now().UnixNano()
	for push := range int64(8) {
		values := make([]any, 100) // 3 MB
		for i := range values {
			values[i] = []any{strconv.FormatInt(now+push*100+int64(i), 10), line}
		}
		post(t, loki.URL("http")+"/loki/api/v1/push", map[string]any{"streams": []any{map[string]any{
			"stream": map[string]string{"service_name": "hub", "level": "info", "env": "test"}, "values": values,
		}}})
	}
	eventually(t, "the labels", func() error {
		var labels struct{ Data []string }
		err := get(loki.URL("http")+"/loki/api/v1/labels", nil, &labels)
		if err == nil && strings.Join(labels.Data, " ") != "env level service_name" {
			err = fmt.Errorf("labels %v", labels.Data)
		}
		return err
	})
}
