package compare

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/report"
)

func noEnv(string) string { return "" }

// write writes reports of a figure into a folder.
func write(t *testing.T, values ...map[string]float64) string {
	t.Helper()
	folder := t.TempDir()
	for i, v := range values {
		r := report.Report{Run: fmt.Sprint(i), Scenario: "fanout", Figures: v}
		if err := r.Write(filepath.Join(folder, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func around(center, noise float64, n int) (all []map[string]float64) {
	random := rand.New(rand.NewPCG(7, uint64(n)))
	for range n {
		v := center * (1 + noise*(2*random.Float64()-1))
		all = append(all, map[string]float64{"delivery_p99_ms": v, "deliveries_per_s": v, "streams": v, "lost": 0})
	}
	return all
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		a, b                   []map[string]float64
		latency, rate, neither string
	}{
		"clearly more":       {around(100, .05, 5), around(150, .05, 5), "worse", "better", "differs"},
		"clearly less":       {around(100, .05, 5), around(60, .05, 5), "better", "worse", "differs"},
		"the same":           {around(100, .05, 5), around(100, .05, 6), "noise", "noise", "noise"},
		"more in wide noise": {around(100, .6, 5), around(110, .6, 6), "noise", "noise", "noise"},
		"exact, but little":  {around(100, 0, 5), around(100.5, 0, 5), "noise", "noise", "noise"},
		"once each":          {around(100, 0, 1), around(200, 0, 1), "too few runs", "too few runs", "too few runs"},
	} {
		a, b := write(t, c.a...), write(t, c.b...)
		var out bytes.Buffer
		err := Run(t.Context(), []string{"--strict", a, b}, noEnv, &out)
		var worse *Worse
		if errors.As(err, &worse) != (c.latency == "worse" || c.rate == "worse") || worse == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for figure, want := range map[string]string{"delivery_p99_ms": c.latency, "deliveries_per_s": c.rate, "streams": c.neither} {
			found := false
			for line := range strings.Lines(out.String()) {
				found = found || strings.HasPrefix(line, figure+" ") && strings.HasSuffix(strings.TrimSpace(line), want)
			}
			if !found {
				t.Errorf("%s: %s is not %q:\n%s", name, figure, want, &out)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for want, args := range map[string][]string{
		"compare takes two":       {"x"},
		"no such file":            {"/nowhere", "/nowhere"},
		"there is no report.json": {t.TempDir(), t.TempDir()},
		"is no report":            {"compare.go", "compare.go"},
	} {
		if err := Run(t.Context(), args, noEnv, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
