package local

import (
	"cmp"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func configFolder(t *testing.T) string {
	t.Helper()
	dir, err := ConfigFolder()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Prometheus gets the configuration as it is, with targets and rules of its
// own, and none of an earlier start.
func TestPrometheusFolder(t *testing.T) {
	s := Settings{
		Config: configFolder(t), Data: t.TempDir(), Targets: map[string][]string{"hub": {"127.0.0.1:1", "127.0.0.1:2"}},
		Rules: []string{filepath.Join(t.TempDir(), "a.yml"), filepath.Join(t.TempDir(), "a.yml")},
	}
	for _, name := range s.Rules {
		if err := os.WriteFile(name, []byte("groups: []\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(s.Data, "config", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, rules := range []int{2, 1} {
		s.Rules = s.Rules[:rules]
		if _, err := Prepare("prometheus", s); err != nil {
			t.Fatal(err)
		}
		if got := read("targets/hub.yml"); got != `[{"targets":["127.0.0.1:1","127.0.0.1:2"]}]` {
			t.Errorf("targets: %s", got)
		}
		if got := read("targets/alertmanager.yml"); got != `[]` {
			t.Errorf("no alertmanager: %s", got)
		}
		if got := read("targets/prometheus.yml"); !strings.HasPrefix(got, `[{"targets":["127.0.0.1:`) {
			t.Errorf("itself: %s", got)
		}
		files, err := filepath.Glob(filepath.Join(s.Data, "config", "rules", "*.yml"))
		if err != nil || len(files) != rules {
			t.Errorf("rules: %v, %v; want %d", files, err, rules)
		}
	}
	original, err := os.ReadFile(filepath.Join(s.Config, "prometheus", "prometheus.yml"))
	if err != nil || read("prometheus.yml") != string(original) {
		t.Errorf("the configuration was changed: %v", err)
	}
}

// A job that the configuration lacks would be scraped by nobody.
func TestUnknownJob(t *testing.T) {
	s := Settings{Config: configFolder(t), Data: t.TempDir(), Targets: map[string][]string{"hubs": {"127.0.0.1:1"}}}
	if _, err := Prepare("prometheus", s); err == nil || !strings.Contains(err.Error(), `no job "hubs": there are alertmanager`) {
		t.Errorf("%v", err)
	}
}

// Links are as given, else those of the environment, else runbooks are where
// Prometheus serves them.
func TestLinks(t *testing.T) {
	t.Setenv("SLUICE_GRAFANA_URL", "http://sre.test:3000")
	for _, runbooks := range []string{"", "http://sre.test/runbooks"} {
		t.Setenv("SLUICE_RUNBOOKS_URL", runbooks)
		b, err := Prepare("prometheus", Settings{Config: configFolder(t), Data: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		want := "SLUICE_RUNBOOKS_URL=" + cmp.Or(runbooks, "http://"+b.Address("http")+"/user")
		if env := b.launch.env; !slices.Contains(env, "SLUICE_GRAFANA_URL=http://sre.test:3000") || !slices.Contains(env, want) {
			t.Errorf("%v, want %s", env, want)
		}
	}
}

// Every variable that is set is one that the configuration reads, and none
// that it reads is forgotten but for how long data are kept.
func TestEnvironment(t *testing.T) {
	for name, prefix := range map[string]string{"loki": "LOKI_", "jaeger": "JAEGER_"} {
		s := Settings{Config: configFolder(t), Data: t.TempDir()}
		b, err := Prepare(name, s)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(s.Config, name, name+".yml"))
		if err != nil {
			t.Fatal(err)
		}
		var read []string
		for part := range strings.SplitSeq(string(text), prefix) {
			variable, _, ok := strings.Cut(part, ":-")
			if ok && !strings.ContainsAny(variable, " \n") {
				read = append(read, prefix+variable)
			}
		}
		set := []string{prefix + "RETENTION"}
		for _, e := range b.launch.env {
			variable, _, _ := strings.Cut(e, "=")
			set = append(set, variable)
		}
		slices.Sort(read)
		slices.Sort(set)
		if read = slices.Compact(read); !slices.Equal(read, set) {
			t.Errorf("%s: its configuration reads %v; set are %v", name, read, set)
		}
	}
}

func TestPorts(t *testing.T) {
	s := Settings{Config: configFolder(t), Data: t.TempDir()}
	b, err := Prepare("jaeger", s)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range Ports("jaeger") {
		if seen[b.Address(p.Name)] || b.Address(p.Name) == "" {
			t.Errorf("port %s: %q", p.Name, b.Address(p.Name))
		}
		seen[b.Address(p.Name)] = true
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s.Ports = map[string]int{"thrift": taken.Addr().(*net.TCPAddr).Port}
	_, err = Prepare("jaeger", s)
	for _, want := range []string{"jaeger", "--port jaeger.thrift=", strconv.Itoa(s.Ports["thrift"])} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a taken port: %v does not say %q", err, want)
		}
	}
	if _, err := Prepare("grafana", s); err == nil || !strings.Contains(err.Error(), "there are") {
		t.Errorf("an unknown backend: %v", err)
	}
}

// A program that ends instead of getting ready is an error that shows what it
// said. The go command does not know Loki's flags.
func TestStartFails(t *testing.T) {
	binary, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Prepare("loki", Settings{Binary: binary, Config: configFolder(t), Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "-config.file") {
		t.Errorf("the error does not have its complaint: %v", err)
	}
	if err := b.Stop(); err != nil {
		t.Errorf("Stop of one that does not run: %v", err)
	}
	if got := b.LogTail(5); len(got) != 5 {
		t.Errorf("the last 5 bytes of the log: %q", got)
	}
}
