package local

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// prometheus gives it a folder like the one of the checkout with targets and
// rules of its own, since addresses in its configuration can't be set from
// outside.
func prometheus(s Settings, at addresses) (launch, error) {
	config := filepath.Join(s.Data, "config")
	for _, dir := range []string{"targets", "rules"} {
		if err := os.RemoveAll(filepath.Join(config, dir)); err != nil {
			return launch{}, err
		}
		if err := os.MkdirAll(filepath.Join(config, dir), 0o755); err != nil {
			return launch{}, err
		}
	}
	main := filepath.Join(config, "prometheus.yml")
	if err := copyFile(filepath.Join(s.Config, "prometheus", "prometheus.yml"), main); err != nil {
		return launch{}, err
	}
	if err := writeJobs(s, at["http"], filepath.Join(config, "targets")); err != nil {
		return launch{}, err
	}
	for i, rules := range s.Rules { // two may have the same name
		if err := copyFile(rules, filepath.Join(config, "rules", fmt.Sprintf("%03d-%s", i, filepath.Base(rules)))); err != nil {
			return launch{}, err
		}
	}
	return launch{
		args: []string{
			"--config.file=" + main,
			"--storage.tsdb.path=" + filepath.Join(s.Data, "data"),
			"--web.listen-address=" + at["http"],
			"--web.external-url=http://" + at["http"],                                  // in links
			"--web.user-assets=" + filepath.Join(s.Config, "..", "alerts", "runbooks"), // at /user
			"--enable-feature=exemplar-storage",
		},
		env: []string{
			"SLUICE_PROMETHEUS_URL=http://" + at["http"],
			linkTo("SLUICE_GRAFANA_URL", s.Grafana, "http://127.0.0.1:3000"),
			linkTo("SLUICE_RUNBOOKS_URL", "", "http://"+at["http"]+"/user"),
		},
		ready: "http://" + at["http"] + "/-/ready",
	}, nil
}

// linkTo returns the variable as given, else as it is in the environment, else
// with the default.
func linkTo(variable, given, usual string) string {
	return variable + "=" + cmp.Or(given, os.Getenv(variable), usual)
}

// writeJobs writes a file of targets for each that the checkout has: they are
// called as their jobs, but for edge. Prometheus watches itself, at own, if
// nothing else is said.
func writeJobs(s Settings, own, dir string) error {
	files, err := filepath.Glob(filepath.Join(s.Config, "prometheus", "targets", "*.yml"))
	if err != nil {
		return err
	}
	var jobs []string
	for _, file := range files {
		job := strings.TrimSuffix(filepath.Base(file), ".yml")
		jobs = append(jobs, job)
		list := s.Targets[job]
		if job == "prometheus" && list == nil {
			list = []string{own}
		}
		if err := writeTargets(filepath.Join(dir, job+".yml"), list); err != nil {
			return err
		}
	}
	for job := range s.Targets {
		if !slices.Contains(jobs, job) {
			return fmt.Errorf("Prometheus has no job %q: there are %s", job, strings.Join(jobs, ", "))
		}
	}
	return nil
}

// writeTargets writes a file of file_sd. JSON is YAML.
func writeTargets(path string, list []string) error {
	type group struct {
		Targets []string `json:"targets"`
	}
	groups := []group{}
	if len(list) > 0 {
		groups = append(groups, group{list})
	}
	text, err := json.Marshal(groups)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
