// Package hubtest gives tests a hub in a process of its own, built from this
// repository, which can be killed and started again on the same ports.
package hubtest

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// Hub is a hub with a durable store and open access, but with other settings.
type Hub struct {
	Public, Admin string // addresses, host:port

	t    testing.TB
	args []string
	cmd  *exec.Cmd
}

// Start starts one and ends it with the test.
func Start(t testing.TB, settings ...string) *Hub {
	t.Helper()
	leaks.Of(t)
	h := &Hub{Public: programtest.FreeAddress(t), Admin: programtest.FreeAddress(t), t: t}
	h.args = append([]string{"--listen", h.Public, "--admin-listen", h.Admin, "--data", t.TempDir()}, settings...)
	t.Cleanup(h.Kill)
	h.Restart()
	return h
}

// URL is the address for clients.
func (h *Hub) URL() string { return "http://" + h.Public }

// Restart starts a hub that was killed, and returns when it is ready.
func (h *Hub) Restart() {
	h.t.Helper()
	h.cmd = exec.Command(Binary(h.t), h.args...)
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"look"`) { // the line that says where it listens
			go io.Copy(io.Discard, out) // until it ends
			return
		}
	}
	h.t.Fatalf("the hub did not start: %v", lines.Err())
}

// Signal sends the hub a signal.
func (h *Hub) Signal(s os.Signal) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		h.t.Fatal(err)
	}
}

// Kill ends the hub as a power cut would.
func (h *Hub) Kill() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Kill() // or it has ended already
	_ = h.cmd.Wait()         // how is known
	h.cmd = nil
}

// Metric returns the sum of the hub's series whose lines begin with a name and
// have all that is in labels.
func (h *Hub) Metric(name string, labels ...string) float64 {
	h.t.Helper()
	return Metric(h.t, "http://"+h.Admin+"/metrics", name, labels...)
}

// Metric is as [Hub.Metric], of any address.
func Metric(t testing.TB, address, name string, labels ...string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(Get(t, address)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		for _, l := range labels {
			ok = ok && strings.Contains(rest, l)
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			sum += v
		}
	}
	return sum
}

// Get returns the body of an address that answers 200.
func Get(t testing.TB, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", address, answer.Status, err)
	}
	return string(text)
}

// Await waits until something is so, for a minute.
func Await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for late := time.Now().Add(time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Secrets returns a folder with what "hub init" makes: jwt-secret, prober-token,
// demo-token and more.
func Secrets(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.Command(Binary(t), "init", "--dir", folder).CombinedOutput(); err != nil {
		t.Fatalf("hub init: %v %s", err, out)
	}
	return folder
}

var build struct {
	once sync.Once
	path string
	err  error
}

// Binary returns the hub, built once for the tests of a package.
func Binary(t testing.TB) string {
	t.Helper()
	build.once.Do(func() {
		folder, err := os.MkdirTemp("", "hubtest")
		if err != nil {
			build.err = err
			return
		}
		build.path, build.err = programtest.Build(folder, "services/hub")
	})
	if build.err != nil {
		t.Fatalf("build the hub: %v", build.err)
	}
	return build.path
}

// Main runs the tests of a package, which must leave no goroutine behind.
func Main(m *testing.M) {
	code := m.Run()
	Clean()
	os.Exit(leaks.Check(code))
}

// Clean removes what Binary has built. It is for TestMain.
func Clean() {
	if build.path != "" {
		_ = os.RemoveAll(filepath.Dir(build.path)) // it is a temporary folder
	}
}
