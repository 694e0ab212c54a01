package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

func promtool(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command(backendtest.Promtool(t), args...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// Prometheus' own checker takes the rules, its linter too.
func TestPromtoolChecksRules(t *testing.T) {
	promtool(t, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, glob(t, "rules/*.yml")...)...)
}

// Alerts fire when they have to and stay quiet when they have not.
func TestRules(t *testing.T) {
	for _, file := range glob(t, "tests/*.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			promtool(t, "test", "rules", file)
		})
	}
}

var checksAlert = regexp.MustCompile(`ALERTS\{alertname="(\w+)",alertstate="firing"(?:,window=(~?)"([^"]+)")?\}`)

// Each alert has a case in which it fires and one in which it does not.
func TestEachAlertIsTested(t *testing.T) {
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, file := range glob(t, "tests/*.yml") {
		var f testFile
		if err := yaml.Unmarshal(read(t, file), &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range f.Tests {
			for _, c := range test.Checks {
				m := checksAlert.FindStringSubmatch(c.Expr)
				switch {
				case m == nil: // of what is recorded
				case len(c.Want) > 0:
					fires[m[1]+m[3]] = true
				case m[2] == "~": // any window
					for _, b := range burns() {
						quiet[m[1]+b.Long] = true
					}
				default:
					quiet[m[1]+m[3]] = true
				}
			}
		}
	}
	for _, r := range alertRules(t) {
		name := r.Alert + r.Labels["window"]
		if !fires[name] {
			t.Errorf("no test has %s firing", name)
		}
		if !quiet[name] && r.Alert != "Watchdog" { // which is never quiet
			t.Errorf("no test has %s quiet", name)
		}
	}
}
