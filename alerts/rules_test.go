package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	alertName  = regexp.MustCompile(`^[A-Z][A-Za-z]+$`)
	recordName = regexp.MustCompile(`^[a-z_]+:[a-z_]+:[a-z0-9_]+$`)
)

// What is said of an alert is complete, and what identifies it does not change
// with its value.
func TestAlertsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range alertRules(t) {
		key := r.Alert + "/" + r.Labels["window"]
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if !alertName.MatchString(r.Alert) {
			t.Errorf("%s: the name is not CamelCase", r.Alert)
		}
		if r.For == "" {
			t.Errorf("%s says not for how long", r.Alert)
		}
		if !slices.Contains([]string{"L1", "L2", "L3"}, r.Labels["tier"]) {
			t.Errorf("%s: tier %q", r.Alert, r.Labels["tier"])
		}
		if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
			t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
		}
		for name, value := range r.Labels {
			if strings.Contains(strings.ReplaceAll(value, "{{ $externalLabels.", ""), "{{") {
				t.Errorf("%s: the label %s is %q: with another value it would be another alert", r.Alert, name, value)
			}
		}
		checkAnnotations(t, r)
	}
}

func checkAnnotations(t *testing.T, r *rule) {
	t.Helper()
	if len(r.Annotations) != 4 {
		t.Errorf("%s has annotations %v", r.Alert, r.Annotations)
	}
	for name, longest := range map[string]int{"summary": 120, "description": 500} {
		if n := len(r.Annotations[name]); n == 0 || n > longest {
			t.Errorf("%s: its %s has %d characters", r.Alert, name, n)
		}
	}
	if want := "{{ $externalLabels.runbooks_url }}/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
		t.Errorf("%s: runbook_url %s", r.Alert, r.Annotations["runbook_url"])
	}
	board, ok := strings.CutPrefix(r.Annotations["dashboard_url"], "{{ $externalLabels.grafana_url }}/d/")
	if !ok || !slices.Contains(boards, board) {
		t.Errorf("%s: dashboard_url %s", r.Alert, r.Annotations["dashboard_url"])
	}
	for name, text := range r.Annotations {
		if strings.Contains(text, "$value }}") {
			t.Errorf("%s: %s shows the bare value: humanize it", r.Alert, name)
		}
	}
}

var boards = []string{"sluice-overview", "sluice-delivery", "sluice-connections", "sluice-resume-storage", "sluice-admission", "sluice-runtime", "sluice-edge"}

// What is recorded is named level:metric:operations.
func TestRecordedNames(t *testing.T) {
	for _, r := range allRules(t) {
		if r.Alert == "" && !recordName.MatchString(r.Record) {
			t.Errorf("%s is not level:metric:operations", r.Record)
		}
	}
}

// A page lasts until it is well, also where what is wrong comes and goes. Those
// of objectives last as long as their short window, which a test of theirs has.
func TestPagesLast(t *testing.T) {
	for _, r := range alertRules(t) {
		if r.Labels["tier"] == "L3" && r.Labels["window"] == "" && r.KeepFiringFor == "" {
			t.Errorf("%s calls everybody, and ends when its condition does for a moment: say keep_firing_for", r.Alert)
		}
	}
}

// Each alert has a runbook, and each runbook an alert.
func TestRunbooksAreThere(t *testing.T) {
	books := map[string]bool{}
	for _, file := range glob(t, "runbooks/*.md") {
		books[runbookOf(file)] = true
	}
	alerts := map[string]bool{}
	for _, r := range alertRules(t) {
		alerts[r.Alert] = true
		if !books[r.Alert] {
			t.Errorf("runbooks/%s.md is missing", r.Alert)
		}
	}
	for name := range books {
		if !alerts[name] {
			t.Errorf("runbooks/%s.md is of no alert", name)
		}
	}
}

// rules/objectives.yml is what the objectives say.
func TestObjectivesAreGenerated(t *testing.T) {
	want, err := objectivesFile()
	if err != nil {
		t.Fatal(err)
	}
	if string(read(t, "rules/objectives.yml")) != string(want) {
		t.Error(`it was not written anew: run "go run ./alerts" in the checkout's root`)
	}
}

// Copies for drills have other times, and nothing else.
func TestScaled(t *testing.T) {
	out := t.TempDir()
	t.Chdir("..")
	if err := run([]string{"scaled", "--factor", "60", "--out", out}, os.Stderr); err != nil {
		t.Fatal(err)
	}
	scaled := string(read(t, filepath.Join(out, "hub.yml")))
	for _, line := range []string{"rate(process_cpu_seconds_total{job=\"hub\"}[30s])", "for: 5s\n", "keep_firing_for: 2s\n", "keep_firing_for: 5s\n", "last_over_time(up{job=\"hub\"}[1m])"} {
		if !strings.Contains(scaled, line) {
			t.Errorf("%q is not there", line)
		}
	}
	if times := regexp.MustCompile(`\[(?:[2-9]m|\d{2,}m|\d+[hd])\]|for: \d+m`).FindAllString(scaled, -1); times != nil {
		t.Errorf("not scaled: %v", times)
	}
	objectives := string(read(t, filepath.Join(out, "objectives.yml")))
	if !strings.Contains(objectives, "record: objective:sse_errors:ratio_rate3d") || !strings.Contains(objectives, "rate5m[1h12m]") {
		t.Error("of 3d a sixtieth is 1h12m, and names stay")
	}
	for _, args := range [][]string{{"scaled"}, {"scaled", "--out", out, "--factor", "0.5"}, {"sacled"}} {
		if err := run(args, os.Stderr); err == nil {
			t.Errorf("%v is taken", args)
		} else if !strings.Contains(fmt.Sprint(err), "give") && !strings.Contains(fmt.Sprint(err), "there are") {
			t.Errorf("%v: %v does not say what to do", args, err)
		}
	}
}
