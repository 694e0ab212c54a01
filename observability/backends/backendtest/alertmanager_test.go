package backendtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// has wants an alert of that name to be there.
func has(alertmanager *Backend, name string) error {
	var alerts []struct{ Labels map[string]string }
	if err := get(alertmanager.URL("http")+"/api/v2/alerts", nil, &alerts); err != nil {
		return err
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == name {
			return nil
		}
	}
	return fmt.Errorf("no %s among %v", name, alerts)
}

func TestAlertmanager(t *testing.T) {
	t.Parallel()
	alertmanager := Alertmanager(t)
	post(t, alertmanager.URL("http")+"/api/v2/alerts", []any{
		map[string]any{"labels": map[string]string{"alertname": "SluiceTest", "tier": "L2"}},
	})
	eventually(t, "the alert", func() error { return has(alertmanager, "SluiceTest") })
}

// A configuration of receivers is the one that is used.
func TestReceivers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(file, []byte("route: {receiver: somebody}\nreceivers: [{name: somebody}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	alertmanager := Alertmanager(t, Receivers(file))
	var receivers []struct{ Name string }
	if err := get(alertmanager.URL("http")+"/api/v2/receivers", nil, &receivers); err != nil {
		t.Fatal(err)
	}
	if len(receivers) != 1 || receivers[0].Name != "somebody" {
		t.Errorf("receivers: %v", receivers)
	}
}

// A rule of Prometheus that fires arrives at Alertmanager, with links made of
// the environment and no labels of them.
func TestAlertArrives(t *testing.T) {
	t.Setenv("SLUICE_GRAFANA_URL", "http://sre.test:3000")
	rules := filepath.Join(t.TempDir(), "always.yml")
	err := os.WriteFile(rules, []byte(`groups:
  - name: test
    rules:
      - alert: Always
        expr: vector(1)
        labels: {tier: L1, runbooks_url: '{{ $externalLabels.runbooks_url }}'}
        annotations:
          dashboard_url: '{{ $externalLabels.grafana_url }}/d/sluice-overview'
`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	alertmanager := Alertmanager(t)
	prometheus := Prometheus(t, Rules(rules), AlertsTo(alertmanager))
	eventually(t, "the alert", func() error { return has(alertmanager, "Always") })
	var alerts []struct {
		Labels, Annotations map[string]string
		GeneratorURL        string
	}
	if err := get(alertmanager.URL("http")+"/api/v2/alerts", nil, &alerts); err != nil {
		t.Fatal(err)
	}
	a := alerts[0]
	if a.Annotations["dashboard_url"] != "http://sre.test:3000/d/sluice-overview" || !strings.HasPrefix(a.GeneratorURL, prometheus.URL("http")+"/") {
		t.Errorf("links: %v and %s", a.Annotations, a.GeneratorURL)
	}
	if len(a.Labels) != 2 {
		t.Errorf("labels: %v", a.Labels)
	}
}
