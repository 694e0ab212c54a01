package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// told is an alert as Alertmanager knows it.
type told struct {
	Labels, Annotations map[string]string
	Receivers           []struct{ Name string }
	Status              struct{ State string }
}

// alertsAt returns the alerts that are active at an Alertmanager.
func alertsAt(alertmanager *backendtest.Backend) ([]told, error) {
	response, err := http.Get(alertmanager.URL("http") + "/api/v2/alerts")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var alerts []told
	return alerts, json.NewDecoder(response.Body).Decode(&alerts)
}

// eventually tries until it works: real programs take their time.
func eventually(t *testing.T, what string, within time.Duration, try func() error) {
	t.Helper()
	var err error
	for late := time.Now().Add(within); time.Now().Before(late); time.Sleep(200 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Errorf("%s: not after %v: %v", what, within, err)
}

// post gives alerts to an Alertmanager, each as name=value pairs of labels.
func post(t *testing.T, alertmanager *backendtest.Backend, alerts ...string) {
	t.Helper()
	var list []any
	for _, a := range alerts {
		list = append(list, map[string]any{"labels": pairs(a)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(alertmanager.URL("http")+"/api/v2/alerts", "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
}

// pairs returns the labels in name=value pairs.
func pairs(text string) map[string]string {
	labels := map[string]string{}
	for pair := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(pair, "=")
		labels[name] = value
	}
	return labels
}

// labelsOf returns the labels that matter to routes, as post takes them.
func labelsOf(r *rule) string {
	return fmt.Sprintf("alertname=%s tier=%s severity=%s", r.Alert, r.Labels["tier"], r.Labels["severity"])
}

// Each alert goes to the receiver of its tier; without a tier to the fallback.
func TestRoutes(t *testing.T) {
	alertmanager := backendtest.Alertmanager(t, backendtest.Receivers("alertmanager.yml"))
	want := map[string]string{"Strange": "fallback"}
	receivers := map[string]string{"L1": "self-healing", "L2": "on-call", "L3": "escalation"}
	var alerts []string
	for _, r := range alertRules(t) {
		if r.Labels["window"] != "" { // of several tiers under one name
			continue
		}
		want[r.Alert] = receivers[r.Labels["tier"]]
		alerts = append(alerts, labelsOf(r))
	}
	want["Watchdog"] = "watchdog"
	post(t, alertmanager, append(alerts, "alertname=Strange")...)
	eventually(t, "routes", time.Minute, func() error {
		got, err := alertsAt(alertmanager)
		if err == nil && len(got) != len(want) {
			err = fmt.Errorf("%d alerts of %d", len(got), len(want))
		}
		for _, a := range got {
			name := a.Labels["alertname"]
			if len(a.Receivers) != 1 || a.Receivers[0].Name != want[name] {
				err = fmt.Errorf("%s goes to %v, want %s", name, a.Receivers, want[name])
			}
		}
		return err
	})
}

// What a drain, a dead hub or a dead backend explains is not told; all else is.
// An alert that explains some of it by itself, like EdgeDown, has another case.
func TestInhibition(t *testing.T) {
	const hub, other, edge = " job=hub instance=a", " job=hub instance=b", " job=api-gateway instance=e"
	for _, c := range []struct {
		cause            string
		explained, apart []string
	}{
		{"alertname=HubDraining tier=L1" + hub,
			[]string{"alertname=HubDown tier=L3" + hub, "alertname=ReadersBehind tier=L1" + hub, "alertname=ConnectBudgetBurn tier=L3 job=hub"},
			[]string{"alertname=HubDown tier=L3" + other, "alertname=HubDown tier=L3 job=hub", // of a hub that has no name any more
				"alertname=GapsEarly tier=L2" + hub, "alertname=PublishBudgetBurn tier=L3 job=hub", "alertname=EdgeDown tier=L3 job=prober"}},
		{"alertname=HubDraining tier=L1" + hub,
			[]string{"alertname=ProbesFailing tier=L3 job=prober", "alertname=ProbeBudgetBurn tier=L3 job=prober", "alertname=EdgeErrors tier=L3 job=api-gateway"}, nil},
		{"alertname=HubDown tier=L3" + hub,
			[]string{"alertname=StoreErrors tier=L2" + hub, "alertname=TelemetryDropped tier=L2 signal=logs reason=stdout_full" + hub},
			[]string{"alertname=EdgeDown tier=L3 job=prober", "alertname=StoreErrors tier=L2" + other, "alertname=LokiDown tier=L2 job=loki", "alertname=HubRestarting tier=L2" + hub}},
		{"alertname=HubDown tier=L3" + hub,
			[]string{"alertname=ProbesFailing tier=L3 job=prober", "alertname=ProbeBudgetBurn tier=L3 job=prober", "alertname=ProxyBuffering tier=L2 job=prober", "alertname=EdgeErrors tier=L3 job=api-gateway"},
			[]string{"alertname=EdgeSlow tier=L2 job=api-gateway", "alertname=EdgeUnseen tier=L2" + edge, "alertname=EdgeFull tier=L2" + edge}},
		{"alertname=EdgeDown tier=L3 job=prober",
			[]string{"alertname=ProbesFailing tier=L3 job=prober", "alertname=EdgeErrors tier=L3 job=api-gateway", "alertname=EdgeUnseen tier=L2" + edge, "alertname=TelemetryDropped tier=L2 signal=logs reason=queue_full" + edge},
			[]string{"alertname=PublishSuccessLow tier=L3 job=hub", "alertname=EdgeFull tier=L2" + edge, "alertname=TelemetryDropped tier=L2 signal=logs reason=queue_full" + hub}},
		{"alertname=LokiDown tier=L2 job=loki",
			[]string{"alertname=TelemetryDropped tier=L2 signal=logs reason=queue_full" + hub, "alertname=TelemetryDropped tier=L2 signal=logs reason=unavailable" + hub, "alertname=TelemetryStuck tier=L2 signal=logs" + hub},
			[]string{"alertname=TelemetryDropped tier=L2 signal=traces reason=unavailable" + hub, "alertname=TelemetryDropped tier=L2 signal=logs reason=stdout_full" + hub, "alertname=TelemetryDropped tier=L2 signal=logs reason=rejected" + hub}},
		{"alertname=JaegerDown tier=L2 job=jaeger",
			[]string{"alertname=TelemetryDropped tier=L2 signal=traces reason=queue_full" + hub, "alertname=TelemetryDropped tier=L2 signal=traces reason=unavailable" + hub, "alertname=TelemetryStuck tier=L2 signal=traces" + hub},
			[]string{"alertname=TelemetryDropped tier=L2 signal=logs reason=unavailable" + hub, "alertname=TelemetryDropped tier=L2 signal=traces reason=rejected" + hub}},
		{"alertname=StressTraffic tier=L1 job=hub",
			[]string{"alertname=ConnectBudgetBurn tier=L3 job=hub"}, []string{"alertname=DeliveryBudgetBurn tier=L3 job=hub"}},
		{"alertname=PublishSuccessLow tier=L3 job=hub topic_class=payments", // tiers never silence one another, nor do classes
			nil, []string{"alertname=BreakerOpen tier=L1" + hub, "alertname=StoreErrors tier=L2" + hub, "alertname=RequestsSlow tier=L2 job=hub", "alertname=PublishSuccessLow tier=L3 job=hub topic_class=orders"}},
		{"alertname=PublishBudgetBurn tier=L3 job=hub window=1h topic_class=payments",
			[]string{"alertname=PublishBudgetBurn tier=L3 job=hub window=1h"},
			[]string{"alertname=PublishBudgetBurn tier=L3 job=hub window=6h", "alertname=PublishBudgetBurn tier=L3 job=hub window=1h topic_class=orders", "alertname=DeliveryBudgetBurn tier=L3 job=hub window=1h"}},
	} {
		t.Run(strings.Fields(c.cause)[0], func(t *testing.T) {
			alertmanager := backendtest.Alertmanager(t, backendtest.Receivers("alertmanager.yml"))
			post(t, alertmanager, slices.Concat([]string{c.cause}, c.explained, c.apart)...)
			states := func() (map[string]string, error) {
				alerts, err := alertsAt(alertmanager)
				found := map[string]string{}
				for _, a := range alerts {
					found[key(a.Labels)] = a.Status.State
				}
				return found, err
			}
			eventually(t, "states", time.Minute, func() error {
				got, err := states()
				if err == nil && len(got) != 1+len(c.explained)+len(c.apart) {
					err = fmt.Errorf("there are %v", got)
				}
				for i, alert := range slices.Concat([]string{c.cause}, c.apart, c.explained) {
					want := "active"
					if i > len(c.apart) {
						want = "suppressed"
					}
					if key := key(pairs(alert)); got[key] != want {
						err = fmt.Errorf("%s is %q, want %s", key, got[key], want)
					}
				}
				return err
			})
		})
	}
}

func key(labels map[string]string) string {
	return labels["alertname"] + labels["instance"] + labels["signal"] + labels["reason"] + labels["topic_class"] + labels["window"]
}

// As it is nothing is sent anywhere, and with all that is ready to be filled
// in Alertmanager starts too.
func TestReceiversAreReady(t *testing.T) {
	text := string(read(t, "alertmanager.yml"))
	filled := strings.ReplaceAll(text, "    #| ", "    ")
	for _, kind := range []string{"email_configs:", "slack_configs:", "webhook_configs:"} {
		if !strings.Contains(filled, "\n    "+kind) {
			t.Errorf("no %s to fill in", kind)
		}
		if strings.Contains(text, "\n    "+kind) {
			t.Errorf("%s sends", kind)
		}
	}
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(file, []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
	backendtest.Alertmanager(t, backendtest.Receivers(file))
}
