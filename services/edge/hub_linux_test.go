package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// buildHub and buildEdge build the two, once.
var (
	buildHub  = sync.OnceValues(func() (string, error) { return built("services/hub") })
	buildEdge = sync.OnceValues(func() (string, error) { return built("services/edge") })
)

// built builds a program, unless whoever runs this test again has done so.
func built(program string) (string, error) {
	if folder := os.Getenv(builtIn); folder != "" {
		return filepath.Join(folder, filepath.Base(program)), nil
	}
	return programtest.Build(binaries, program)
}

// builtIn is the variable with the folder of what has been built.
const builtIn = "SLUICE_EDGE_BUILT"

var binaries string // a folder

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if binaries, err = os.MkdirTemp("", "sluice-edge-hub-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(binaries)
		os.Chmod(binaries, 0o755) // the edge runs as another user
		programtest.BesideEachOther(6)
		return m.Run()
	}())
}

// A hub is a process of its own, with what it stores in data.
type hub struct {
	t       *testing.T
	address string // of its public listener
	admin   string // URL
	cmd     *exec.Cmd
}

// newHub runs a hub that trusts the edge.
func newHub(t *testing.T, address, data string, settings ...string) *hub {
	t.Helper()
	path, err := buildHub()
	if err != nil {
		t.Fatal(err)
	}
	admin := programtest.FreeAddress(t)
	h := &hub{t: t, address: address, admin: "http://" + admin}
	h.cmd = exec.Command(path, append([]string{"--listen", address, "--admin-listen", admin, "--data", data,
		"--trusted-proxies", "127.0.0.1", "--heartbeat-interval", "1h"}, settings...)...)
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out strings.Builder
	h.cmd.Stdout, h.cmd.Stderr = &out, &out
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.kill()
		if t.Failed() {
			t.Logf("the hub wrote:\n%s", out.String())
		}
	})
	await(t, "the hub is ready", func() bool {
		answer, err := http.Get(h.admin + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return h
}

// kill ends the hub as a power cut would.
func (h *hub) kill() {
	if h.cmd.ProcessState == nil {
		h.cmd.Process.Kill()
		h.cmd.Wait() // by the signal
	}
}

// connections returns the open streams' remote addresses.
func (h *hub) connections() (remotes []string) {
	h.t.Helper()
	answer, err := http.Get(h.admin + "/v1/connections")
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	var all struct{ Connections []struct{ Remote string } }
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		h.t.Fatal(err)
	}
	for _, c := range all.Connections {
		remotes = append(remotes, c.Remote)
	}
	return remotes
}

// behind runs a hub and an edge in front of it.
func behind(t *testing.T, settings ...string) (*door, *hub) {
	t.Helper()
	return behindEdge(t, nil, settings...)
}

// behindEdge gives the edge settings too.
func behindEdge(t *testing.T, edge []string, settings ...string) (*door, *hub) {
	t.Helper()
	names := newNames(t)
	names.is("127.0.0.1")
	address := programtest.FreeAddress(t)
	e := newEdge(t, names, portOf(address), edge...) // or skips, before a hub is built for nothing
	return e, newHub(t, address, t.TempDir(), settings...)
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address) // it comes from a listener
	return port
}

// await tries until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// ask makes a request and reads the whole answer. Header is name, value, and
// so on.
func ask(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	answer := open(t, method, url, body, header...)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// open makes a request; the answer ends with the test.
func open(t *testing.T, method, url, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// publish publishes an event, which has to work.
func publish(t *testing.T, base, topic, data string) {
	t.Helper()
	if answer, text := ask(t, "POST", base+"/v1/topics/"+topic+"/events", data); answer.StatusCode != http.StatusCreated {
		t.Fatalf("publishing: %s: %s", answer.Status, text)
	}
}

// lineWith reads lines of a stream until one starts like that, which it
// returns.
func lineWith(t *testing.T, stream *bufio.Scanner, start string) string {
	t.Helper()
	found := make(chan string, 1)
	go func() { // ends with the stream, and that with the test
		for stream.Scan() {
			if strings.HasPrefix(stream.Text(), start) {
				found <- stream.Text()
				return
			}
		}
		close(found)
	}()
	select {
	case line, ok := <-found:
		if !ok {
			t.Fatalf("the stream ended without %q: %v", start, stream.Err())
		}
		return line
	case <-time.After(30 * time.Second):
		t.Fatalf("no line %q within 30 s", start)
	}
	return ""
}
