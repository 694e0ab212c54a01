package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// file is a dashboard as Grafana reads it, as far as tests look at it.
type file struct {
	UID, Title, Description string
	Editable                bool
	Tags                    []string
	Panels                  []filePanel
	Templating              struct{ List []fileVariable }
	Annotations             struct{ List []fileAnnotation }
	Links                   []fileLink
}

type filePanel struct {
	ID                       int
	Type, Title, Description string
	Datasource               fileSource
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []fileTarget
	Links                    []fileLink
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []struct{ Value *float64 } }
		}
	}
}

type fileSource struct{ Type, UID string }

type fileTarget struct {
	RefID, Expr, LegendFormat string
	Instant, Exemplar         bool
	Datasource                fileSource
}

type fileVariable struct {
	Name, Label, Type, AllValue, Regex string
	Multi, SkipURLSync                 bool
	Refresh                            int // 1: when the dashboard is opened, 2: when the time changes
	Hide                               int // 2: altogether
	Datasource                         fileSource
	Query                              any
}

type fileAnnotation struct {
	Name, Expr, TitleFormat, TextFormat string
	UseValueForTime, Enable             bool
	Datasource                          fileSource
	Target                              map[string]string
}

type fileLink struct {
	Title, Type, URL      string
	Tags                  []string
	IncludeVars, KeepTime bool
}

// files reads the dashboards that are committed.
func files(t *testing.T) []file {
	t.Helper()
	var all []file
	for _, b := range boards() {
		text, err := os.ReadFile(b.file())
		if err != nil {
			t.Fatal(err)
		}
		var f file
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", b.file(), err)
		}
		all = append(all, f)
	}
	return all
}

// shown are the panels that show something: all but headings.
func (f *file) shown() []filePanel {
	var all []filePanel
	for _, p := range f.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
	}
	return all
}

// fill puts values in the place of variables.
func fill(expr string, values map[string]string) string {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "${"+name+"}", value, "$"+name, value)
	}
	return strings.NewReplacer(pairs...).Replace(expr)
}

// What is committed is what the program writes, byte for byte.
func TestRegeneration(t *testing.T) {
	for _, b := range boards() {
		want, err := b.json()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(b.file())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the program makes: run go run ./dashboards and commit it", b.file())
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, b := range boards() {
		known[b.file()] = true
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") && !known[e.Name()] {
			t.Errorf("%s is no dashboard of the program: delete it", e.Name())
		}
	}
}

// What compose.yaml opens first is there.
func TestHome(t *testing.T) {
	text, err := os.ReadFile("../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	home := regexp.MustCompile(`HOME_DASHBOARD_PATH: /var/lib/grafana/dashboards/(\S+)`).FindSubmatch(text)
	if home == nil || !fileExists(string(home[1])) {
		t.Errorf("compose.yaml opens %q first, which is not here", home)
	}
}
