package local

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	for name, list := range map[string][]string{"hub.yml": s.Hubs, "alertmanager.yml": s.Alertmanagers} {
		if err := writeTargets(filepath.Join(config, "targets", name), list); err != nil {
			return launch{}, err
		}
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
			"--enable-feature=exemplar-storage",
		},
		ready: "http://" + at["http"] + "/-/ready",
	}, nil
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
