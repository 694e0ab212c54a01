package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/loadtest/internal/scenario"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("LOADTEST_TEST_BE_LOADTEST") != "" {
		main()
		return
	}
	code := m.Run()
	hubtest.Clean()
	os.Exit(code)
}

func noEnv(string) string { return "" }

func TestCommands(t *testing.T) {
	for command, want := range map[string]string{
		"": "loadtest probe", "help": "loadtest demo", "--help": "LOADTEST_TOKEN_FILE",
		"demo --help": "--faults", "probe --help": "--target", "healthcheck --help": "--listen",
	} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(command), noEnv, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, %s", command, err, &out)
		}
	}
	if err := run(t.Context(), []string{"demos"}, noEnv, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "is not a command") {
		t.Errorf("an unknown command: %v", err)
	}
}

// The README names no setting that does not exist, and every scenario.
func TestREADME(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, _ := scenario.Names()
	flags := regexp.MustCompile(`--([a-z][a-z-]*[a-z])`)
	has := map[string]bool{"help": true}
	for _, command := range append(commands, "bare", "compare", "demo", "probe") {
		var out bytes.Buffer
		if err := run(t.Context(), []string{command, "--help"}, noEnv, &out); err != nil {
			t.Fatal(err)
		}
		for _, m := range flags.FindAllStringSubmatch(out.String(), -1) {
			has[m[1]] = true
		}
		if !bytes.Contains(page, []byte("`"+command+"`")) && !bytes.Contains(page, []byte("loadtest "+command)) {
			t.Errorf("the README does not name %s", command)
		}
	}
	named := flags.FindAllStringSubmatch(string(page), -1)
	if len(named) < 20 {
		t.Errorf("only %d settings are named", len(named))
	}
	for _, m := range named {
		if !has[m[1]] {
			t.Errorf("the README names --%s, which does not exist", m[1])
		}
	}
}

// SIGTERM ends both in order, with a hub and without one.
func TestSIGTERM(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals to send on this system")
	}
	hub := hubtest.Start(t)
	for _, url := range []string{hub.URL(), "http://" + programtest.FreeAddress(t)} {
		for _, args := range [][]string{
			{"demo", "--url", url},
			{"probe", "--url", url, "--target", "orders=orders.probe", "--listen", "127.0.0.1:0"},
		} {
			c := exec.Command(os.Args[0], args...)
			c.Env = append(os.Environ(), "LOADTEST_TEST_BE_LOADTEST=1")
			var errs bytes.Buffer
			c.Stderr = &errs
			out, err := c.StdoutPipe()
			if err == nil {
				err = c.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 1)); err != nil { // it has begun
				t.Fatal(err, &errs)
			}
			if url == hub.URL() {
				hubtest.Await(t, "publishes", func() bool { return hub.Metric("sse_publishes_total", `"accepted"`) > 0 })
			}
			kill := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() }) // it hangs, as the error will say
			if err := c.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(); err != nil || errs.Len() > 0 {
				t.Errorf("%v ended with %v: %s", args, err, &errs)
			}
			kill.Stop()
		}
	}
}
