package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/alerts/thresholds"
)

// rules are what Prometheus makes of the metrics.
type rules struct {
	records map[string]bool
	alerts  map[string]string // their expressions
}

var (
	ruleHead  = regexp.MustCompile(`(?m)^ *- (record|alert): (\S+)$`)
	afterExpr = regexp.MustCompile(`(?s)\n +for:.*`)
)

// ruleFiles are those of the stack.
func ruleFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../alerts/rules/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no rules in ../alerts/rules: %v", err)
	}
	return names
}

func readRules(t *testing.T) rules {
	t.Helper()
	r := rules{map[string]bool{}, map[string]string{}}
	for _, name := range ruleFiles(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		heads := ruleHead.FindAllStringSubmatchIndex(string(text), -1)
		for i, h := range heads {
			end := len(text)
			if i+1 < len(heads) {
				end = heads[i+1][0]
			}
			kind, rule := string(text[h[2]:h[3]]), string(text[h[4]:h[5]])
			if kind == "record" {
				r.records[rule] = true
				continue
			}
			r.alerts[rule] += afterExpr.ReplaceAllString(string(text[h[1]:end]), "\n")
		}
	}
	return r
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

var number = regexp.MustCompile(`[<>=] (\d+(\.\d+)?)\b`)

// limitsOf returns what an alert's expression compares with; of one that is about
// an objective, the limits of that and how fast it may burn.
func (r rules) limitsOf(alert string) []float64 {
	if strings.HasSuffix(alert, "BudgetBurn") {
		return []float64{thresholds.FanoutSeconds, thresholds.ConnectSeconds,
			thresholds.BurnAll, thresholds.BurnDay, thresholds.BurnSixHour, thresholds.BurnHour}
	}
	var all []float64
	for _, m := range number.FindAllStringSubmatch(r.alerts[alert], -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err == nil {
			all = append(all, n)
		}
	}
	return all
}

// ownLimits are those that no alert has, with the reason.
var ownLimits = map[string]string{
	"How many alerts want somebody?":     "it counts the alerts themselves",
	"Do all hubs and probers answer?":    "all is 100 %; the alerts look at each",
	"What is left of each error budget?": "nothing is left at 0; the alerts are about how fast it goes",
}

// A line of warning is where an alert fires whose runbook the panel leads to.
func TestThresholds(t *testing.T) {
	r := readRules(t)
	for _, f := range files(t) {
		for _, p := range f.shown() {
			var limits []float64
			for _, l := range p.Links {
				if alert, ok := strings.CutPrefix(l.URL, "${runbooks}/"); ok {
					limits = append(limits, r.limitsOf(strings.TrimSuffix(alert, ".md"))...)
				}
			}
			for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
				if step.Value == nil || ownLimits[p.Title] != "" {
					continue
				}
				if !slices.ContainsFunc(limits, func(l float64) bool { return math.Abs(l-*step.Value) < 1e-6 }) {
					t.Errorf("%s: %q warns from %v on, its alerts from %v", f.UID, p.Title, *step.Value, limits)
				}
			}
		}
	}
}
