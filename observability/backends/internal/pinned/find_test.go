package pinned

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestBefore(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"3.8.0", "3.8.0", false}, {"3.7.9", "3.8.0", true}, {"3.16.0", "3.8.0", false},
		{"2.42.0", "3.8.0", true}, {"0.25.0", "0.27.0", true}, {"4.0.0", "3.8.0", false},
		{"3.8.1", "3.8.0", false}, {"99999999999999999999.0.0", "3.8.0", false},
	} {
		if got := before(c.a, c.b); got != c.want {
			t.Errorf("before(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

// A program on the PATH is taken when it is new enough: here the go command,
// which says its release when asked.
func TestFindOnPath(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Name: "go", Version: "v1", OnPath: []string{"no-such-program", "go"}, Ask: "version", Least: "1.20.0"}
	if path, err := p.Find(t.Context(), t.TempDir()); err != nil || path != goCommand {
		t.Errorf("Find: %q, %v", path, err)
	}
	p.Least = "99.0.0"
	if _, err := p.Find(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "older than 99.0.0") {
		t.Errorf("too old: %v", err)
	}
	cache := t.TempDir()
	if err := os.WriteFile(p.Path(cache), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if path, err := p.Find(t.Context(), cache); err != nil || path != p.Path(cache) {
		t.Errorf("Find of what is built: %q, %v", path, err)
	}
	p.Ask, p.Version = "no-such-command", "v2"
	if _, err := p.Find(t.Context(), cache); err == nil || !strings.Contains(err.Error(), "does not say its release") {
		t.Errorf("speechless: %v", err)
	}
}

func TestPrograms(t *testing.T) {
	for _, p := range Programs() {
		if before(p.Release, p.Least) {
			t.Errorf("%s %s is older than the least, %s", p.Name, p.Release, p.Least)
		}
		if len(p.OnPath) == 0 || p.Ask == "" || p.Stamp == "" || p.Cold == 0 {
			t.Errorf("%s lacks something: %+v", p.Name, p)
		}
	}
	if _, err := Named("grafana"); err == nil || !strings.Contains(err.Error(), "loki") {
		t.Errorf("an unknown name: %v", err)
	}
}
