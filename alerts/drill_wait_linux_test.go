package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// fires waits until alerts have arrived at Alertmanager, with texts that are
// whole.
func (s *stack) fires(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, name+" fires", firesWithin, func() error {
			a, err := s.find(name)
			if err == nil {
				checkTexts(t, a)
			}
			return err
		})
	}
}

// explained waits until alerts have arrived and are told to nobody, since
// another one explains them.
func (s *stack) explained(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, name+" is explained", firesWithin, func() error {
			a, err := s.find(name)
			if err == nil && a.Status.State != "suppressed" {
				err = fmt.Errorf("it is %s", a.Status.State)
			}
			return err
		})
	}
}

// ends waits until alerts are over at Alertmanager.
func (s *stack) ends(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, name+" ends", endsWithin, func() error {
			_, err := s.find(name)
			if errors.Is(err, errNoAlert) {
				return nil
			}
			return errors.Join(err, errors.New("it is still there"))
		})
	}
}

var errNoAlert = errors.New("no such alert")

func (s *stack) find(name string) (told, error) {
	alerts, err := alertsAt(s.alertmanager)
	if err != nil {
		return told{}, err
	}
	var names []string
	for _, a := range alerts {
		if a.Labels["alertname"] == name {
			return a, nil
		}
		names = append(names, a.Labels["alertname"])
	}
	slices.Sort(names)
	return told{}, fmt.Errorf("%w: there are %v", errNoAlert, slices.Compact(names))
}

func checkTexts(t *testing.T, a told) {
	t.Helper()
	for name, text := range a.Annotations {
		if strings.Contains(text, "{{") || strings.Contains(text, "<error") || strings.Contains(text, "<no value>") {
			t.Errorf("%s: %s is %q", a.Labels["alertname"], name, text)
		}
	}
	for _, link := range []string{"runbook_url", "dashboard_url"} {
		if u, err := url.Parse(a.Annotations[link]); err != nil || u.Host == "" {
			t.Errorf("%s: %s is %q", a.Labels["alertname"], link, a.Annotations[link])
		}
	}
	for _, label := range []string{"grafana_url", "runbooks_url", "prometheus_url"} {
		if a.Labels[label] != "" {
			t.Errorf("%s has the label %s", a.Labels["alertname"], label)
		}
	}
}

// query returns the values of an expression.
func (s *stack) query(expr string) ([]string, error) {
	response, err := http.Get(s.prometheus.URL("http") + "/api/v1/query?" + url.Values{"query": {expr}}.Encode())
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	text, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, text)
	}
	var values []string
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values, err
}
