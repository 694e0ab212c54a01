package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/services/stacktest/readmes"
)

// The READMEs' commands do what is said that they do: each block of shell
// commands is run, those of a page in order and against a hub of its own, and
// the lines of the block that follows it are in what came out, but for the ids.
func TestReadmeExamples(t *testing.T) {
	t.Parallel() // most of it is curl's time
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			needs.Missing(t, "no "+tool+": apt-get install "+tool)
		}
	}
	// Streams don't end; what they bring in this time is what they are to show.
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("max-time = 4\nsilent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, page := range readmes.All(t) {
		blocks := examples("sh", page.Text)
		if len(blocks) == 0 {
			continue
		}
		ran[page.Path] = len(blocks)
		t.Run(page.Path, func(t *testing.T) {
			h := startHub(t)
			for _, block := range blocks {
				script := h.addresses().Replace(block.code)
				cmd := exec.Command("bash", "-c", script)
				cmd.Env = append(os.Environ(), "CURL_HOME="+home, "HOME="+home)
				out, err := cmd.CombinedOutput()
				if err != nil && cmd.ProcessState.ExitCode() != 28 { // curl's time is up
					t.Errorf("%s%v: %s", script, err, out)
				}
				got := normal(string(out))
				for line := range strings.Lines(block.prints) {
					if !strings.Contains(got, normal(line)) {
						t.Errorf("%sprinted\n%s\nwant in it\n%s", script, out, line)
					}
				}
			}
		})
	}
	if ran["README.md"] < 4 || ran["services/hub/README.md"] < 4 {
		t.Errorf("examples are missing: %v", ran)
	}
}

// The READMEs' programs can be pasted: they compile, and print the lines of the
// block that follows them, from a hub with an event.
func TestReadmePrograms(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, page := range readmes.All(t) {
		for _, block := range examples("go", page.Text) {
			ran++
			t.Run(page.Path, func(t *testing.T) {
				h := startHub(t)
				publish(t, h, "?type=order.created", nil, `{"order":17}`)
				dir := t.TempDir()
				source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
				if err := os.WriteFile(source, []byte(h.addresses().Replace(block.code)), 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
					t.Fatalf("go build: %v\n%s", err, out)
				}
				prints(t, dir, program, block.prints)
			})
		}
	}
	if ran < 2 {
		t.Errorf("only %d programs were found", ran)
	}
}

// prints runs a program in dir until it has printed the lines of want.
func prints(t *testing.T, dir, program, want string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // for one that prints something else
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	defer func() { stop(); cmd.Wait() }()
	missing := strings.Split(strings.TrimSpace(normal(want)), "\n")
	for lines := bufio.NewScanner(out); len(missing) > 0 && lines.Scan(); {
		if normal(lines.Text()) == missing[0] {
			missing = missing[1:]
		}
	}
	if len(missing) > 0 {
		t.Errorf("it ended without having printed %q", missing)
	}
}

// An example is code, and what is said that it prints.
type example struct{ code, prints string }

// examples returns the blocks of a language, each with the block of text that
// follows it, if one does.
func examples(language, page string) []example {
	var found []example
	block := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```\n(?:```text\n(.*?)^```\n)?")
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		found = append(found, example{m[1], m[2]})
	}
	return found
}

// addresses puts those of this hub in place of the usual ones.
func (h *runningHub) addresses() *strings.Replacer {
	return strings.NewReplacer("http://127.0.0.1:8080", h.public, "http://127.0.0.1:8081", h.admin)
}

// someID is an id, or the place before the first.
var someID = regexp.MustCompile(`\b(?:\d{13}|0)-\d+`)

func normal(s string) string { return someID.ReplaceAllString(s, "ID") }
