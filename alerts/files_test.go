package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"
)

// rule is one of rules/*.yml, recording or alerting.
type rule struct {
	Record        string            `yaml:"record"`
	Alert         string            `yaml:"alert"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for"`
	KeepFiringFor string            `yaml:"keep_firing_for"`
	Labels        map[string]string `yaml:"labels"`
	Annotations   map[string]string `yaml:"annotations"`

	file   string
	parsed parser.Expr
}

type ruleFile struct {
	Groups []struct {
		Name     string  `yaml:"name"`
		Interval string  `yaml:"interval"`
		Rules    []*rule `yaml:"rules"`
	} `yaml:"groups"`
}

// testFile is what is looked at of tests/*.yml; promtool checks the rest.
type testFile struct {
	Tests []struct {
		Checks []struct {
			Expr string `yaml:"expr"`
			Want []any  `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

// allRules returns all rules, with their expressions parsed.
func allRules(t *testing.T) []*rule {
	t.Helper()
	var all []*rule
	for _, file := range glob(t, "rules/*.yml") {
		var f ruleFile
		decoder := yaml.NewDecoder(bytes.NewReader(read(t, file)))
		decoder.KnownFields(true)
		if err := decoder.Decode(&f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				var err error
				if r.parsed, err = parser.ParseExpr(r.Expr); err != nil {
					t.Fatalf("%s: %s%s: %v", file, r.Alert, r.Record, err)
				}
				r.file = file
				all = append(all, r)
			}
		}
	}
	return all
}

// alertRules returns those that alert.
func alertRules(t *testing.T) []*rule {
	t.Helper()
	var alerts []*rule
	for _, r := range allRules(t) {
		if r.Alert != "" {
			alerts = append(alerts, r)
		}
	}
	return alerts
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// runbookOf returns the name of an alert whose runbook a file is.
func runbookOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".md") }
