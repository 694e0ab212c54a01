package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// sections are those of each runbook, in this order.
var sections = []string{"Meaning", "Impact", "First three commands", "Likely causes", "How to stop the pain", "How it was tested"}

var (
	heading   = regexp.MustCompile(`(?m)^## (.+)$`)
	shell     = regexp.MustCompile("(?s)```sh\n(.*?)```")
	inCurl    = regexp.MustCompile(`--data-urlencode 'query=([^']+)'`)
	inline    = regexp.MustCompile("`([^`\n]+)`")
	bookLink  = regexp.MustCompile(`\]\(([^)]+)\)`)
	takeUp    = regexp.MustCompile("`docker compose up -d (?:--build )?([a-z]+)`")
	ownMetric = regexp.MustCompile(`\b(?:sse|http)_[a-z_]+\b`)
)

func TestRunbooks(t *testing.T) {
	known := known(t)
	for _, file := range glob(t, "runbooks/*.md") {
		t.Run(runbookOf(file), func(t *testing.T) {
			text := string(read(t, file))
			if !strings.HasPrefix(text, "# "+runbookOf(file)+"\n") {
				t.Error("the title is not the alert's name")
			}
			var found []string
			for _, m := range heading.FindAllStringSubmatch(text, -1) {
				found = append(found, m[1])
			}
			if !slices.Equal(found, sections) {
				t.Errorf("sections %q, want %q", found, sections)
			}
			checkCommands(t, text, known)
			checkSettings(t, text)
			checkMentions(t, text, known)
		})
	}
}

// checkCommands wants three commands that can be pasted, with queries of what
// there is.
func checkCommands(t *testing.T, text string, known map[string]catalogue.Metric) {
	t.Helper()
	blocks := shell.FindAllStringSubmatch(text, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of commands", len(blocks))
	}
	commands := strings.Split(strings.TrimSpace(blocks[0][1]), "\n")
	if len(commands) != 3 {
		t.Errorf("%d commands", len(commands))
	}
	for _, c := range commands {
		program, _, _ := strings.Cut(c, " ")
		if program != "curl" && program != "docker" || strings.ContainsAny(c, "<…") {
			t.Errorf("can't be pasted as it is: %s", c)
		}
		if m := inCurl.FindStringSubmatch(c); m != nil {
			e, err := parser.ParseExpr(m[1])
			if err != nil {
				t.Errorf("%s: %v", m[1], err)
				continue
			}
			checkQuery(t, m[1], e, known)
		}
	}
}

// checkSettings wants a step that changes a setting to say how it takes effect:
// a restart alone does not read .env again.
func checkSettings(t *testing.T, text string) {
	t.Helper()
	stack := read(t, "../compose.yaml")
	_, steps, _ := strings.Cut(text, "\n## How to stop the pain\n")
	steps, _, _ = strings.Cut(steps, "\n## ")
	for step := range strings.Lines(steps) {
		ups := takeUp.FindAllStringSubmatch(step, -1)
		if (strings.Contains(step, "SLUICE_") || strings.Contains(step, "`.env`")) && ups == nil {
			t.Errorf("nothing comes of it without docker compose up -d and the service: %s", step)
		}
		for _, up := range ups {
			if !strings.Contains(string(stack), "\n  "+up[1]+":\n") {
				t.Errorf("compose.yaml has no service %s", up[1])
			}
		}
	}
}

// checkMentions wants what the text names to exist.
func checkMentions(t *testing.T, text string, known map[string]catalogue.Metric) {
	t.Helper()
	for _, m := range bookLink.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("runbooks", m[1])); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
	for _, m := range inline.FindAllStringSubmatch(text, -1) {
		if name, ok := strings.CutSuffix(m[1], ".yml"); ok && !strings.Contains(name, "/") {
			m[1] = "alerts/tests/" + m[1]
		}
		if strings.HasPrefix(m[1], "alerts/tests/") || strings.HasPrefix(m[1], "alerts/rules/") {
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Errorf("no such file: %v", err)
			}
		}
		for _, name := range ownMetric.FindAllString(m[1], -1) {
			_, plain := known[name]
			_, counted := known[name+"_count"]
			if !plain && !counted && name != "sse_gap" { // which is a kind of line in the log
				t.Errorf("there is no metric %s", name)
			}
		}
	}
}
