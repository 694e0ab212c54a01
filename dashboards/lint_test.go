package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The rules of Grafana's dashboard linter that are about the whole.
func TestDashboards(t *testing.T) {
	uids := map[string]bool{}
	for _, f := range files(t) {
		if uids[f.UID] {
			t.Errorf("%s: the uid is another's too", f.UID)
		}
		uids[f.UID] = true
		if f.Editable || f.Title == "" || f.Description == "" || !slices.Contains(f.Tags, tag) {
			t.Errorf("%s: it must not be editable, and have a title, a description and the tag %s", f.UID, tag)
		}
		if n := len(f.shown()); n > 14 {
			t.Errorf("%s: %d panels are more than somebody reads at night", f.UID, n)
		}
		if last := f.Panels[len(f.Panels)-1]; last.Type != string(logsPanel) {
			t.Errorf("%s: the logs are not below all others", f.UID)
		}
		wantVariables(t, f)
	}
}

func wantVariables(t *testing.T, f file) {
	t.Helper()
	types := map[string]string{}
	for _, v := range f.Templating.List {
		types[v.Name] = v.Type
		switch {
		case v.Type != "query":
		case v.Name == "runbooks":
			if v.Refresh != 1 || v.Multi || v.Hide != 2 || !v.SkipURLSync {
				t.Errorf("%s: the variable %s must be one address that only Prometheus says", f.UID, v.Name)
			}
		case v.Refresh != 2 || !v.Multi || v.Label == "":
			t.Errorf("%s: the variable %s must follow the time, allow several and have a label", f.UID, v.Name)
		}
		if v.Type == "query" && v.Datasource.UID != "${datasource}" && v.Datasource.UID != "${logs}" {
			t.Errorf("%s: the variable %s asks the datasource %q", f.UID, v.Name, v.Datasource.UID)
		}
		// A hub that is gone has no series but this one.
		if (v.Name == "job" || v.Name == "instance" || v.Name == "edge") && !strings.Contains(fmt.Sprint(v.Query), "label_values(up{") {
			t.Errorf("%s: the variable %s leaves out who is gone", f.UID, v.Name)
		}
	}
	for name, kind := range map[string]string{"datasource": "datasource", "logs": "datasource", "job": "query", "instance": "query", "runbooks": "query"} {
		if types[name] != kind {
			t.Errorf("%s: there is no variable %s of the type %s", f.UID, name, kind)
		}
	}
	whole := "" // all that could use a variable
	for _, p := range f.shown() {
		for _, q := range p.Targets {
			whole += q.Expr
		}
		for _, l := range p.Links {
			whole += l.URL
		}
	}
	for name := range types {
		if types[name] != "datasource" && !strings.Contains(whole, "$"+name) && !strings.Contains(whole, "${"+name) {
			t.Errorf("%s: nothing uses the variable %s", f.UID, name)
		}
	}
}

// Each panel asks, explains itself and has its place.
func TestPanels(t *testing.T) {
	for _, f := range files(t) {
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range f.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: %q has the id %d, which is another's", f.UID, p.Title, p.ID)
			}
			ids[p.ID] = true
		}
		for _, p := range f.shown() {
			if titles[p.Title] || !strings.HasSuffix(p.Title, "?") {
				t.Errorf("%s: the title %q is another's too, or asks nothing", f.UID, p.Title)
			}
			titles[p.Title] = true
			normal, act, ok := strings.Cut(strings.TrimPrefix(p.Description, "**Normal:** "), "\n\n**Otherwise:** ")
			if !ok || normal == "" || act == "" {
				t.Errorf("%s: %q does not say what is normal and what to do", f.UID, p.Title)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: %q has no unit", f.UID, p.Title)
			}
			wantTargets(t, f, p)
		}
	}
}

func wantTargets(t *testing.T, f file, p filePanel) {
	t.Helper()
	if len(p.Targets) == 0 {
		t.Errorf("%s: %q asks nothing of a datasource", f.UID, p.Title)
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		want := fileSource{"prometheus", "${datasource}"}
		if p.Type == string(logsPanel) {
			want = fileSource{"loki", "${logs}"}
		}
		if q.Datasource != want || p.Datasource != want {
			t.Errorf("%s: %q asks %v and %v, want %v", f.UID, p.Title, p.Datasource, q.Datasource, want)
		}
		if refs[q.RefID] || q.RefID == "" {
			t.Errorf("%s: %q has two queries %q", f.UID, p.Title, q.RefID)
		}
		refs[q.RefID] = true
	}
}

// No panel lies upon another or outside of the grid, and there are no holes.
func TestPlaces(t *testing.T) {
	for _, f := range files(t) {
		taken, rows := map[[2]int]string{}, 0
		for _, p := range f.Panels {
			at := p.GridPos
			if at.X < 0 || at.X+at.W > columns || at.W <= 0 || at.H <= 0 {
				t.Errorf("%s: %q lies outside", f.UID, p.Title)
			}
			rows = max(rows, at.Y+at.H)
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q lies upon %q", f.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		if len(taken) != rows*columns {
			t.Errorf("%s: the panels leave %d holes in the grid", f.UID, rows*columns-len(taken))
		}
	}
}

// Each dashboard leads to all others with time and variables, and the links of
// panels lead to something that exists.
func TestLinks(t *testing.T) {
	exist := map[string]bool{}
	for _, f := range files(t) {
		exist[f.UID] = true
	}
	alerts := readRules(t).alerts
	for _, f := range files(t) {
		if len(f.Links) != 1 || f.Links[0].Type != "dashboards" || !slices.Equal(f.Links[0].Tags, []string{tag}) || !f.Links[0].KeepTime || !f.Links[0].IncludeVars {
			t.Errorf("%s: it does not lead to the others: %+v", f.UID, f.Links)
		}
		for _, p := range f.shown() {
			for _, l := range p.Links {
				path, isBoard := strings.CutPrefix(l.URL, "/d/")
				uid, state, _ := strings.Cut(path, "?")
				alert, isRunbook := strings.CutPrefix(l.URL, "${runbooks}/")
				alert = strings.TrimSuffix(alert, ".md")
				switch {
				case isBoard && exist[uid] && uid != f.UID && state == "${__url_time_range}&${__all_variables}":
				case isRunbook && alerts[alert] != "" && fileExists("../alerts/runbooks/"+alert+".md"):
				default:
					t.Errorf("%s: %q leads to %s, which is not there", f.UID, p.Title, l.URL)
				}
			}
		}
	}
}
