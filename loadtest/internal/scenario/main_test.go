package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/bare"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/loadtest/internal/report"
)

// beLoadtest makes this test's program one that workers and bare loops are
// started from.
const beLoadtest = "SCENARIO_TEST_BE_LOADTEST"

func TestMain(m *testing.M) {
	if os.Getenv(beLoadtest) != "" {
		var err error
		switch os.Args[1] {
		case "worker":
			err = crew.Serve(context.Background(), stdio{os.Stdin, os.Stdout})
		case "bare":
			err = bare.Run(context.Background(), os.Args[2:], noEnv, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	hubtest.Main(m)
}

type stdio struct {
	io.Reader
	io.WriteCloser
}

func noEnv(string) string { return "" }

// load runs a scenario against an address and returns its report and what it
// said; it failed where failed is not nil.
func load(t *testing.T, name, url string, settings ...string) (r *report.Report, said string, failed *Failed) {
	t.Helper()
	t.Setenv(beLoadtest, "1")
	folder := t.TempDir()
	var out bytes.Buffer
	args := append([]string{"--url", url, "--report", folder, "--ceiling", "0", "--warm-up", "0"}, settings...)
	err := Run(t.Context(), name, args, noEnv, &out, []string{os.Args[0]})
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v\n%s", name, err, &out)
	}
	text, err := os.ReadFile(filepath.Join(folder, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r = &report.Report{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	if (failed == nil) != (len(r.Failures) == 0) || (failed == nil) != strings.Contains(out.String(), "passed:") {
		t.Errorf("it ended with %v, and reports %q", failed, r.Failures)
	}
	return r, out.String(), failed
}
