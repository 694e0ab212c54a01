package stacktest

import (
	"errors"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// What the dashboards ask has an answer from the Prometheus and the Loki that
// are behind Grafana here, and from Grafana itself where its image is at hand.
func testDashboards(t *testing.T, s *stack) {
	loki := s.inspect("loki").NetworkSettings.Networks[projectName+"_sluice"].IPAddress // it is published nowhere
	out, err := s.goTest("^TestEveryPanelHasData$", "SLUICE_TEST_PROMETHEUS="+s.url("prometheus"), "SLUICE_TEST_LOKI=http://"+loki+":3100")
	if err != nil {
		t.Error(out)
	}
	if slices.Contains(s.left, "grafana") {
		t.Log("no image of Grafana is at hand: it was not asked")
		return
	}
	eventually(t, time.Minute, "Grafana shows all", func() error {
		out, err := s.goTest("^TestGrafana$", "SLUICE_TEST_GRAFANA="+s.url("grafana"))
		if err != nil {
			err = errors.New(out)
		}
		return err
	})
}

// goTest runs a test of the dashboards and returns what it prints.
func (s *stack) goTest(name string, environment ...string) (string, error) {
	test := exec.CommandContext(s.t.Context(), "go", "test", "-count=1", "-run", name, "./dashboards")
	test.Dir, test.Env = root, append(test.Environ(), environment...)
	out, err := test.CombinedOutput()
	return string(out), err
}
