package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// The README's commands do what it says they do: each block of shell commands
// is run, in order, against one hub, and the lines of the block that follows
// it are in what came out, but for the ids.
func TestReadmeExamples(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			needs.Missing(t, "no "+tool+": apt-get install "+tool)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	// Streams don't end; what they bring in this time is what they are to show.
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("max-time = 2\nsilent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := startHub(t)
	addresses := strings.NewReplacer("http://127.0.0.1:8080", h.public, "http://127.0.0.1:8081", h.admin)
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d examples were found", len(blocks))
	}
	for _, block := range blocks {
		script, want := addresses.Replace(block[1]), block[2]
		cmd := exec.Command("bash", "-c", script)
		cmd.Env = append(os.Environ(), "CURL_HOME="+home, "HOME="+home)
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState.ExitCode() != 28 { // curl's time is up
			t.Errorf("%s%v: %s", script, err, out)
		}
		got := normal(string(out))
		for line := range strings.Lines(want) {
			if !strings.Contains(got, normal(line)) {
				t.Errorf("%sprinted\n%s\nwant in it\n%s", script, out, line)
			}
		}
	}
}

var someID = regexp.MustCompile(`\d{13}-\d+`)

func normal(s string) string { return someID.ReplaceAllString(s, "ID") }
