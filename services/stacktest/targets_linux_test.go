package stacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Prometheus reaches all that it is to scrape, but for what was left out, and
// has rules and an Alertmanager that answers.
func testTargets(t *testing.T, s *stack) {
	files, err := filepath.Glob(filepath.Join(root, "observability", "prometheus", "targets", "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "all targets are up", func() error { return s.scraped(len(files)) })
	answer, err := ask(t.Context(), "GET", s.url("prometheus")+"/api/v1/rules", "")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct{ Data struct{ Groups []any } }
	if err := decode(answer, &rules); err != nil || len(rules.Data.Groups) == 0 {
		t.Errorf("%d groups of rules, %v", len(rules.Data.Groups), err)
	}
	eventually(t, time.Minute, "an alert at Alertmanager", func() error {
		answer, err := ask(t.Context(), "GET", s.url("alertmanager")+"/api/v2/alerts", "")
		if err != nil {
			return err
		}
		var alerts []struct{ Labels map[string]string }
		if err := decode(answer, &alerts); err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Labels["alertname"] == "Watchdog" {
				return nil
			}
		}
		return fmt.Errorf("no Watchdog among %v", alerts)
	})
}

// scraped wants that many jobs, and every one that runs to be up.
func (s *stack) scraped(jobs int) error {
	answer, err := ask(s.t.Context(), "GET", s.url("prometheus")+"/api/v1/targets", "")
	if err != nil {
		return err
	}
	var targets struct {
		Data struct {
			ActiveTargets []struct {
				Labels            map[string]string
				Health, LastError string
			}
		}
	}
	if err := decode(answer, &targets); err != nil {
		return err
	}
	var problems []error
	for _, a := range targets.Data.ActiveTargets {
		if a.Health != "up" && !slices.Contains(s.left, a.Labels["job"]) {
			problems = append(problems, fmt.Errorf("%s is %s: %s", a.Labels["job"], a.Health, a.LastError))
		}
	}
	if n := len(targets.Data.ActiveTargets); n != jobs {
		problems = append(problems, fmt.Errorf("%d targets, want %d", n, jobs))
	}
	return errors.Join(problems...)
}

func decode(answer *http.Response, into any) error {
	text, err := read(answer, http.StatusOK)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

// A password that a receiver needs is put where Alertmanager reads it, as
// services/images.md says.
func testSecretFile(t *testing.T, s *stack) {
	file := filepath.Join(t.TempDir(), "slack-url")
	if err := os.WriteFile(file, []byte("https://hooks.slack.example/T0/B0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.must("cp", file, "init:/run/secrets/sluice/slack-url")
	if got := s.must("exec", "-T", "alertmanager", "cat", "/run/secrets/sluice/slack-url"); got != "https://hooks.slack.example/T0/B0" {
		t.Errorf("Alertmanager reads %q", got)
	}
	if out, err := s.compose(t.Context(), "exec", "-T", "alertmanager", "cat", "/run/secrets/sluice/jwt-secret"); err == nil {
		t.Errorf("Alertmanager reads the secret of tokens: %d bytes", len(out))
	}
}
