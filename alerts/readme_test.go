package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/stacktest/readmes"
)

// The README's table has each alert once, in its tiers, and no others.
func TestReadmeNamesTheAlerts(t *testing.T) {
	want := map[string][]string{}
	for _, r := range alertRules(t) {
		if tier := r.Labels["tier"]; !slices.Contains(want[r.Alert], tier) {
			want[r.Alert] = append(want[r.Alert], tier)
		}
	}
	name := regexp.MustCompile("`([A-Za-z]+)`")
	section := readmes.Get(t, "alerts/README.md").Section(t, "What each alert means")
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		for _, m := range name.FindAllStringSubmatch(row[1], -1) {
			tiers := strings.Split(row[2], ", ")
			slices.Sort(tiers)
			slices.Sort(want[m[1]])
			if !slices.Equal(tiers, want[m[1]]) {
				t.Errorf("%s stands with the tiers %q, the rules have %q", m[1], tiers, want[m[1]])
			}
			delete(want, m[1])
		}
	}
	for name := range want {
		t.Errorf("%s is not in the table", name)
	}
}
