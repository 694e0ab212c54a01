package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// grafana is a running one: SLUICE_TEST_GRAFANA, and who asks, if not anybody
// may: SLUICE_TEST_GRAFANA_USER and SLUICE_TEST_GRAFANA_PASSWORD.
type grafana struct{ url, user, password string }

// Where there is a Grafana that is provisioned with the stack, it has the
// dashboards, and every query of every panel has data through its own API.
func TestGrafana(t *testing.T) {
	g := grafana{strings.TrimSuffix(os.Getenv("SLUICE_TEST_GRAFANA"), "/"), os.Getenv("SLUICE_TEST_GRAFANA_USER"), os.Getenv("SLUICE_TEST_GRAFANA_PASSWORD")}
	if g.url == "" {
		t.Skip("no Grafana: bring up the stack and set SLUICE_TEST_GRAFANA=http://127.0.0.1:3000")
	}
	values := map[string]string{"job": "(hub|prober)", "instance": everything, "edge": everything, "release": everything, "topic_class": everything, "level": everything}
	for _, f := range files(t) {
		var board struct {
			Dashboard struct{ Title string }
			Meta      struct{ Provisioned bool }
		}
		if err := g.do("GET", "/api/dashboards/uid/"+f.UID, nil, &board); err != nil || board.Dashboard.Title != f.Title || !board.Meta.Provisioned {
			t.Errorf("%s is not provisioned: %+v, %v", f.UID, board, err)
		}
		for _, p := range f.shown() {
			for _, q := range p.Targets {
				err := g.has(p, q, fill(q.Expr, values))
				if _, quiet := emptyWhenWell[p.Title+" "+q.RefID]; err != nil && !(quiet && errors.Is(err, errNoData)) {
					t.Errorf("%s: %s %s: %v", f.UID, p.Title, q.RefID, err)
				}
			}
		}
	}
}

var errNoData = errors.New("no data")

// has sends one query as the panel would, after the values of variables are
// put in by the browser; intervals are left to Grafana.
func (g grafana) has(p filePanel, q fileTarget, expr string) error {
	query := map[string]any{
		"refId": q.RefID, "expr": expr, "datasource": map[string]string{"type": q.Datasource.Type, "uid": q.Datasource.Type},
		"instant": q.Instant, "range": !q.Instant, "exemplar": q.Exemplar, "intervalMs": 5000, "maxDataPoints": 200,
	}
	if p.Type == string(logsPanel) {
		query["queryType"], query["maxLines"] = "range", 20
	}
	var answer struct {
		Results map[string]struct {
			Error  string
			Frames []struct{ Data struct{ Values [][]any } }
		}
	}
	now := time.Now().UnixMilli()
	body := map[string]any{"queries": []any{query}, "from": fmt.Sprint(now - 15*60_000), "to": fmt.Sprint(now)}
	if err := g.do("POST", "/api/ds/query", body, &answer); err != nil {
		return err
	}
	result := answer.Results[q.RefID]
	if result.Error != "" {
		return errors.New(result.Error)
	}
	for _, f := range result.Frames {
		if len(f.Data.Values) > 0 && len(f.Data.Values[0]) > 0 {
			return nil
		}
	}
	return errNoData
}

// do calls Grafana's API.
func (g grafana) do(method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(method, g.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if g.user != "" {
		r.SetBasicAuth(g.user, g.password)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %.500s", answer.Status, text)
	}
	return json.Unmarshal(text, into)
}
