package stacktest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// told is an alert as Alertmanager knows it.
type told struct {
	Labels, Annotations map[string]string
	Status              struct{ State string }
}

var errNoAlert = errors.New("no such alert")

// alert returns one that Alertmanager has.
func (s *stack) alert(name string) (told, error) {
	answer, err := ask(s.t.Context(), "GET", s.url("alertmanager")+"/api/v2/alerts", "")
	if err != nil {
		return told{}, err
	}
	var alerts []told
	if err := decode(answer, &alerts); err != nil {
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

// fires waits until alerts have arrived at Alertmanager, with texts that are
// whole.
func (s *stack) fires(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, firesWithin, name+" fires", func() error {
			a, err := s.alert(name)
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
		eventually(t, firesWithin, name+" is explained", func() error {
			a, err := s.alert(name)
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
		eventually(t, endsWithin, name+" ends", func() error {
			_, err := s.alert(name)
			if errors.Is(err, errNoAlert) {
				return nil
			}
			return errors.Join(err, errors.New("it is still there"))
		})
	}
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

// is wants an expression to have one value at Prometheus.
func (s *stack) is(expr, want string) error {
	answer, err := ask(s.t.Context(), "GET", s.url("prometheus")+"/api/v1/query?"+url.Values{"query": {expr}}.Encode(), "")
	if err != nil {
		return err
	}
	var values struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := decode(answer, &values); err != nil {
		return err
	}
	if got := values.Data.Result; len(got) != 1 || fmt.Sprint(got[0].Value[1]) != want {
		return fmt.Errorf("%s is %v, want %s", expr, got, want)
	}
	return nil
}
