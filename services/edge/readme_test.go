package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/stacktest/readmes"
)

// README has a row for every setting there is, with its default, and none for
// one that is not there.
func TestReadmeHasTheSettings(t *testing.T) {
	var help bytes.Buffer
	if err := run(context.Background(), []string{"--help"}, func(string) string { return "" }, &help); err != nil {
		t.Fatal(err)
	}
	described := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  --([a-z-]+) +(.*)$`).FindAllStringSubmatch(help.String(), -1) {
		described[m[1]] = m[2]
	}
	if len(described) < 15 {
		t.Fatalf("%d settings in %s", len(described), help.String())
	}
	text := readmes.Get(t, "services/edge/README.md").Section(t, "Settings")
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (.*) \\| (.*) \\|$").FindAllStringSubmatch(text, -1) {
		name, usual, about := m[1], strings.Trim(m[2], "`"), m[3]
		if usual == "" {
			usual = "none"
		}
		if want := about + " (" + usual + ")"; described[name] != want {
			t.Errorf("--%s is described as %q, and in --help as %q", name, want, described[name])
		}
		delete(described, name)
	}
	for name := range described {
		t.Errorf("README does not have --%s", name)
	}
}
