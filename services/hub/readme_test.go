package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/stacktest/readmes"
)

// The hub's README names every setting there is, and no README one that isn't,
// but for those of the edge and of load tests, which have tests of their own.
func TestReadmesNameTheSettings(t *testing.T) {
	flag := regexp.MustCompile(`--([a-z][a-z-]*[a-z])`)
	has := map[string]bool{}
	for _, args := range [][]string{{"--help"}, {"publish", "--help"}, {"healthcheck", "--help"}, {"admin", "--help"}, {"token", "--help"}, {"init", "--help"}} {
		var help bytes.Buffer
		if err := run(context.Background(), args, noEnv, nil, &help, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, m := range flag.FindAllStringSubmatch(help.String(), -1) {
			has[m[1]] = true
		}
	}
	delete(has, "help")
	stack, err := os.ReadFile("../../.env")
	if err != nil {
		t.Fatal(err)
	}
	// These have options of curl, of Docker and of other programs.
	others := regexp.MustCompile("(?s)```sh\n.*?```|docker compose [^`\n]*|go run ./(?:alerts|observability)[^`\n]*")
	twins := regexp.MustCompile(`SLUICE_[A-Z_]+`)
	for _, page := range readmes.All(t) {
		if page.Path == "services/edge/README.md" || page.Path == "loadtest/README.md" {
			continue
		}
		named := map[string]bool{}
		for _, m := range flag.FindAllStringSubmatch(others.ReplaceAllString(page.Text, ""), -1) {
			named[m[1]] = true
			if !has[m[1]] && m[1] != "help" {
				t.Errorf("%s names --%s, which does not exist", page.Path, m[1])
			}
		}
		for name := range has {
			if page.Path == "services/hub/README.md" && !named[name] {
				t.Errorf("%s does not name --%s", page.Path, name)
			}
		}
		for _, twin := range twins.FindAllString(page.Text, -1) {
			name := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(twin, "SLUICE_")), "_", "-")
			ofTests := twin == "SLUICE_CI" || twin == "SLUICE_STACK"
			if !has[name] && !ofTests && !strings.Contains(string(stack), "\n"+twin+"=") {
				t.Errorf("%s names %s, which does not exist", page.Path, twin)
			}
		}
	}
}

// The hub's README names every problem that the contract has.
func TestReadmeNamesTheProblems(t *testing.T) {
	contract, err := os.ReadFile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	problems := slices.Collect(maps.Keys(readContract(t).Unprovoked))
	for _, m := range regexp.MustCompile(`"problem": "([a-z-]+)"`).FindAllStringSubmatch(string(contract), -1) {
		problems = append(problems, m[1])
	}
	if len(problems) < 20 {
		t.Fatalf("only %v were found in the contract", problems)
	}
	section := readmes.Get(t, "services/hub/README.md").Section(t, "Problems")
	for _, problem := range slices.Compact(slices.Sorted(slices.Values(problems))) {
		if !strings.Contains(section, "`"+problem+"`") {
			t.Errorf("it does not name %s", problem)
		}
	}
}
