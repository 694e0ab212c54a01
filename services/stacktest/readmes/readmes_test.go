package readmes

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// The first page is a way in: it is read in five minutes, starts with what to
// do, and leads to all others.
func TestFirstPageIsAWayIn(t *testing.T) {
	pages := All(t)
	first := pages[0]
	if size, words := len(first.Text), len(strings.Fields(first.Text)); size > 16<<10 || words > 2000 {
		t.Errorf("%d bytes, %d words: nobody reads that in five minutes; is there a page that it belongs to?", size, words)
	}
	_, block, _ := strings.Cut(first.Text, "\n```\n")
	block, _, _ = strings.Cut(block, "\n```\n")
	var commands []string
	for line := range strings.Lines(block) {
		command, _, _ := strings.Cut(line, "#")
		commands = append(commands, strings.TrimSpace(command))
	}
	if got := strings.Join(commands, "; "); got != "go run ./services/hub; go test ./...; docker compose up --wait" {
		t.Errorf("it starts with %q", got)
	}
	for _, p := range pages[1:] {
		if !strings.Contains(first.Text, "]("+p.Path+")") {
			t.Errorf("it does not lead to %s", p.Path)
		}
		back := strings.Repeat("../", strings.Count(p.Path, "/")) + "README.md"
		if !strings.Contains(p.Text, "]("+back) {
			t.Errorf("%s does not lead back: ](%s", p.Path, back)
		}
	}
}

// Links inside the repository lead to a file, and to a heading where they name
// one.
func TestLinksLeadSomewhere(t *testing.T) {
	pages, anchors, followed := Markdown(t), map[string]map[string]bool{}, 0
	for _, p := range pages {
		anchors[p.Path] = anchorsOf(p.Text)
	}
	for _, p := range pages {
		for _, m := range link.FindAllStringSubmatch(prose(p.Text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			target, anchor, named := strings.Cut(m[1], "#")
			file := p.Path
			if target != "" {
				file = path.Join(path.Dir(p.Path), target)
			}
			if _, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(file))); err != nil {
				t.Errorf("%s: (%s): %v", p.Path, m[1], err)
			} else if named && !anchors[file][anchor] {
				t.Errorf("%s: (%s): there is no such heading", p.Path, m[1])
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were found", followed)
	}
}

// prose is a text without its code.
func prose(text string) string {
	return fenced.ReplaceAllString(text, "")
}

// anchorsOf returns what GitHub makes of the headings of a page: lower case,
// hyphens for spaces, no punctuation, and a number behind one that is repeated.
func anchorsOf(text string) map[string]bool {
	anchors, times := map[string]bool{}, map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(prose(text), -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])
		if n := times[anchor]; n > 0 {
			anchors[anchor+"-"+strconv.Itoa(n)] = true
		} else {
			anchors[anchor] = true
		}
		times[anchor]++
	}
	return anchors
}
