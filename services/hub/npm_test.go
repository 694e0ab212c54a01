package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// npmScript prepares a script of testdata/npm, which uses packages of npm.
func npmScript(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		needs.Missing(t, "no node: install it, version 20 or later")
	}
	const source = "testdata/npm"
	want, err := os.ReadFile(filepath.Join(source, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	installed := filepath.Join(cache, "sluice", "npm")
	if got, err := os.ReadFile(filepath.Join(installed, "package-lock.json")); err != nil || !bytes.Equal(got, want) {
		needs.Missing(t, "no packages of npm, or others: services/hub/testdata/npm/README.md says how to get them")
	}
	// Node looks for packages beside the script.
	dir := t.TempDir()
	script, err := os.ReadFile(filepath.Join(source, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), script, 0o600)
	}
	if err == nil {
		err = os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{name}, args...)...)
	var said bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &said
	t.Cleanup(func() {
		if t.Failed() && cmd.ProcessState != nil { // else it may be writing
			t.Logf("%s wrote:\n%s", name, said.String())
		}
	})
	return cmd
}
