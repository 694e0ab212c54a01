package settings

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func none(string) string { return "" }

// What is wrong is said by the name of the setting, and nothing gets into
// nginx's configuration that could be more than it looks like.
func TestWrongSettings(t *testing.T) {
	for args, want := range map[string]string{
		"--listen 8080":                        "--listen",
		"--listen hub:8080":                    "--listen",
		"--admin-listen 9101":                  "--admin-listen",
		"--hub hub":                            "--hub",
		"--hub hub:0":                          "--hub",
		"--hub h;ub:80":                        "--hub",
		"--hub http://hub:8080":                "--hub",
		"--resolver dns:53":                    "--resolver",
		"--tls-cert /a":                        "belong together",
		"--tls-cert /a;b --tls-key /c":         "nginx needs a path",
		"--tls-cert a.pem --tls-key /c":        "nginx needs a path",
		"--folder /a{b":                        "nginx needs a path",
		"--trusted-proxies 10.0.0.1;":          "--trusted-proxies",
		"--trusted-proxies 10.0.0.0/8,nothing": "--trusted-proxies",
		"--workers -1":                         "--workers",
		"--worker-connections 1":               "--worker-connections",
		"--max-streams -1":                     "--max-streams",
		"--large-bodies 0":                     "--large-bodies",
		"--silence 1ms":                        "--silence",
		"--linger 0":                           "--linger",
		"--trace-ratio 2":                      "--trace-ratio",
		"--trace-ratio NaN":                    "--trace-ratio",
		"--nonsense":                           "edge --help",
		"now":                                  "too much",
	} {
		if _, err := Parse(strings.Fields(args), none, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// Without settings the release of a hub without settings has a name in metrics.
func TestUsualRelease(t *testing.T) {
	s, err := Parse(nil, none, io.Discard)
	if err != nil || len(s.Releases) != 1 || s.Releases[0] != "stable" {
		t.Errorf("%v, %v", s.Releases, err)
	}
}

// A flag has an environment variable, and wins over it.
func TestEnvironment(t *testing.T) {
	env := func(name string) string {
		return map[string]string{"SLUICE_EDGE_HUB": "hub:8080", "SLUICE_EDGE_LINGER": "3s", "SLUICE_EDGE_RELEASES": "stable, canary"}[name]
	}
	s, err := Parse([]string{"--hub", "other:80"}, env, io.Discard)
	if err != nil || s.Hub != "other:80" || s.Linger.Seconds() != 3 || len(s.Releases) != 2 || s.Releases[1] != "canary" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Parse(nil, func(name string) string {
		if name == "SLUICE_EDGE_WORKERS" {
			return "many"
		}
		return ""
	}, io.Discard); err == nil || !strings.Contains(err.Error(), "SLUICE_EDGE_WORKERS") {
		t.Error(err)
	}
	var help bytes.Buffer
	if _, err := Parse([]string{"--help"}, none, &help); err == nil || !strings.Contains(help.String(), "--tls-cert") {
		t.Errorf("%v: %s", err, help.String())
	}
}
