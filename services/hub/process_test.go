package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// hubProcess is a hub in a process of its own that can be killed and started
// again on the same ports.
type hubProcess struct {
	t        *testing.T
	wrapper  []string // command in front, such as a shell that lowers a limit
	settings []string
	env      []string // NAME=value, beside this process's
	public   string   // addresses, host:port
	admin    string

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	out  *logLines
	errs *reports
}

// newHubProcess prepares a hub with the given settings and starts it.
func newHubProcess(t *testing.T, settings ...string) *hubProcess {
	t.Helper()
	return newHubProcessIn(t, nil, settings...)
}

// newHubProcessIn starts a hub with more in its environment, NAME=value each,
// which leaves alone that of the tests beside it.
func newHubProcessIn(t *testing.T, env []string, settings ...string) *hubProcess {
	t.Helper()
	leaks.Of(t)
	p := &hubProcess{t: t, env: env, settings: settings, public: programtest.FreeAddress(t), admin: programtest.FreeAddress(t)}
	t.Cleanup(func() { p.kill() })
	p.start()
	return p
}

// start runs the hub and returns when it is ready.
func (p *hubProcess) start() {
	p.t.Helper()
	args := slices.Concat(p.wrapper, []string{os.Args[0], "--listen", p.public, "--admin-listen", p.admin}, p.settings)
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Env = slices.Concat(os.Environ(), p.env, []string{"HUB_TEST_BE_HUB=1"})
	p.out, p.errs, p.done = newLogLines(), &reports{more: make(chan struct{}, 1)}, make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errs
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, done chan struct{}) {
		cmd.Wait() // how it ended is known, or shows in what it wrote
		close(done)
	}(p.cmd, p.done)
	if !p.out.await(p.done, func(l logLine) bool { return l["look"] != nil }) {
		p.t.Fatalf("the hub did not start: %s", p.errs)
	}
}

// kill ends the hub as a power cut would.
func (p *hubProcess) kill() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Kill()
	p.ended()
}

// ended waits for the end of the process, and checks what it complained of.
func (p *hubProcess) ended() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		p.t.Fatal("the hub did not end")
	}
	p.cmd = nil
	if complaint := p.errs.String(); complaint != "" { // a panic, a data race
		p.t.Errorf("the hub wrote to standard error: %.4000s", complaint)
	}
	for _, l := range p.out.all() {
		if l["level"] == "ERROR" {
			p.t.Errorf("the hub logged an error: %v", l)
		}
	}
}

// url returns the address of a path for clients.
func (p *hubProcess) url(path string) string { return "http://" + p.public + path }

// metric returns the value of a metric as /metrics has it.
func (p *hubProcess) metric(name string) float64 {
	p.t.Helper()
	return metric(p.t, "http://"+p.admin, name)
}

// metric returns the value of a metric, from an admin listener: the sum over
// all that have the labels that are named.
func metric(t *testing.T, admin, name string) float64 {
	t.Helper()
	status, text := get(t, admin+"/metrics")
	name, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	sum, found := 0.0, false
	for line := range strings.Lines(text) {
		value := line[strings.LastIndexByte(line, ' ')+1:]
		if !isMetric(line, name, labels) {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, found = sum+v, true
	}
	if !found {
		t.Fatalf("no metric %s{%s}: %d", name, labels, status)
	}
	return sum
}

func isMetric(line, name, labels string) bool {
	rest, ok := strings.CutPrefix(line, name)
	if !ok || rest[0] != ' ' && rest[0] != '{' {
		return false
	}
	for label := range strings.SplitSeq(labels, ",") {
		if !strings.Contains(rest, label) {
			return false
		}
	}
	return true
}

type logLine = map[string]any

// logLines is standard output of a hub. It keeps its lines.
type logLines struct {
	mu      sync.Mutex
	partial []byte
	lines   []logLine
	more    chan struct{} // closed and replaced with new lines
}

func newLogLines() *logLines { return &logLines{more: make(chan struct{})} }

func (o *logLines) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	for {
		text, rest, ok := bytes.Cut(o.partial, []byte("\n"))
		if !ok {
			break
		}
		o.partial = rest
		// Thousands of streams open and end in some tests: those lines are of
		// interest only where they say more than that.
		if bytes.Contains(text, []byte(`"sse_connect"`)) || bytes.Contains(text, []byte(`"reason":"client"`)) {
			continue
		}
		l := logLine{}
		if json.Unmarshal(text, &l) != nil {
			l = logLine{"level": "ERROR", "msg": string(text)} // nothing else writes there
		}
		o.lines = append(o.lines, l)
	}
	close(o.more)
	o.more = make(chan struct{})
	return len(p), nil
}

func (o *logLines) all() []logLine {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.lines)
}

// await waits for a line, and reports whether it came before the process
// ended or a minute had passed.
func (o *logLines) await(done <-chan struct{}, want func(logLine) bool) bool {
	late := time.After(time.Minute)
	for {
		o.mu.Lock()
		more := o.more
		o.mu.Unlock()
		if slices.ContainsFunc(o.all(), want) {
			return true
		}
		select {
		case <-more:
		case <-done:
			return slices.ContainsFunc(o.all(), want)
		case <-late:
			return false
		}
	}
}
