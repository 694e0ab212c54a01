package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README names every setting there is, and none that isn't.
func TestReadmeNamesTheSettings(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
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
	named := map[string]bool{}
	examples := regexp.MustCompile("(?s)```sh\n.*?```|docker compose [^`\n]*") // have options of curl and of Docker
	for _, m := range flag.FindAllStringSubmatch(examples.ReplaceAllString(string(readme), ""), -1) {
		named[m[1]] = true
		if !has[m[1]] && m[1] != "help" {
			t.Errorf("the README names --%s, which does not exist", m[1])
		}
	}
	for name := range has {
		if !named[name] {
			t.Errorf("the README does not name --%s", name)
		}
	}
	stack, err := os.ReadFile("../../.env")
	if err != nil {
		t.Fatal(err)
	}
	for _, twin := range regexp.MustCompile(`SLUICE_[A-Z_]+`).FindAllString(string(readme), -1) {
		name := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(twin, "SLUICE_")), "_", "-")
		if !has[name] && twin != "SLUICE_CI" && !strings.Contains(string(stack), "\n"+twin+"=") {
			t.Errorf("the README names %s, which does not exist", twin)
		}
	}
}
