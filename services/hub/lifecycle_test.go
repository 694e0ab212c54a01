package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// TestMain lets the test binary be the hub, so that tests can send signals to
// a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("HUB_TEST_BE_HUB") != "" {
		main()
		return
	}
	if underRace {
		programtest.BesideEachOther(5) // it takes the processor
	} else {
		programtest.BesideEachOther(8)
	}
	leaks.Main(m)
}

// atOnce are parts of a parallel test that go beside each other. With t.Parallel
// each would wait for all the tests that wait already, and they would be the last.
type atOnce struct{ sync.WaitGroup }

func (o *atOnce) run(t *testing.T, name string, part func(t *testing.T)) {
	o.Go(func() { t.Run(name, part) })
}

func TestRefusesToListenBeyondLoopback(t *testing.T) {
	for flag, needs := range map[string]string{"--listen": "--insecure-open-access", "--admin-listen": "--admin-token-file"} {
		for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:8080"} {
			err := run(t.Context(), []string{"--store", "memory", flag, address}, noEnv, nil, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), flag+" "+address) || !strings.Contains(err.Error(), needs) {
				t.Errorf("%s %s: %v", flag, address, err)
			}
		}
	}
	open := startHub(t, "--listen", "0.0.0.0:0", "--insecure-open-access", "--admin-listen", "0.0.0.0:0", "--admin-token-file", tokenFile(t))
	publish(t, open, "", nil, "x")
}

func TestPortInUse(t *testing.T) {
	first := startHub(t)
	for flag, address := range map[string]string{"--listen": first.public, "--admin-listen": first.admin} {
		h := newRunningHub(t, flag, strings.TrimPrefix(address, "http://"))
		<-h.done
		if h.err == nil || !strings.Contains(h.err.Error(), flag+" or SLUICE_") {
			t.Errorf("%s in use: %v", flag, h.err)
		}
		if runtime.GOOS != "windows" && !strings.Contains(h.err.Error(), "in use") {
			t.Errorf("%s in use is not said: %v", flag, h.err)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	h := startHub(t)
	for path, want := range map[string]string{
		"/healthz": "alive", "/readyz": "ready", "/metrics": "sse_connections", "/debug/pprof/": "goroutine", "/": "admin listener",
	} {
		if status, text := get(t, h.admin+path); status != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %.80s", path, status, text)
		}
		if path == "/" {
			continue
		}
		if status, _ := get(t, h.public+path); status != 404 {
			t.Errorf("%s on the public listener: %d", path, status)
		}
	}
}

// While the hub shuts down it is not ready, a publish under way is finished,
// and streams are ended in order.
func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	h := startHub(t)
	s := h.subscribe("topic=orders", "")
	c, err := net.Dial("tcp", strings.TrimPrefix(h.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Expect: 100-continue answers when the handler has begun to read.
	io.WriteString(c, "POST /v1/topics/orders/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	answers := bufio.NewReader(c)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	answers.ReadString('\n')

	h.cancel()
	h.awaitLog("drain", "streams")
	if status, text := get(t, h.admin+"/readyz"); status != 503 || !strings.Contains(text, "shutting-down") {
		t.Errorf("readyz while shutting down: %d %s", status, text)
	}
	for {
		m, err := s.Next()
		if err == io.EOF {
			break // and not a reset, or a stream without its last chunk
		}
		if err != nil {
			t.Fatalf("the stream ended with %v", err)
		}
		if !strings.HasPrefix(m.Type, "stream.") {
			t.Errorf("read %+v", m)
		}
	}
	io.WriteString(c, "hello")
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	var accepted struct{ ID string }
	if err := json.NewDecoder(answer.Body).Decode(&accepted); err != nil || answer.StatusCode != 201 || accepted.ID == "" {
		t.Errorf("the publish under way was answered %s, %v", answer.Status, err)
	}
	if err := h.stop(); err != nil {
		t.Errorf("the hub ended with %v", err)
	}
}

// A client that does not finish its request cannot hold up the end.
func TestShutdownIsBounded(t *testing.T) {
	h := startHub(t, "--drain-timeout", "50ms")
	c, err := net.Dial("tcp", strings.TrimPrefix(h.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /v1/topics/orders/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	bufio.NewReader(c).ReadString('\n')
	if err := h.stop(); err != nil {
		t.Errorf("the hub ended with %v", err)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send these signals to a process")
	}
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			p, lines := startProcess(t)
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(lines)
			if err := p.Wait(); err != nil {
				t.Errorf("the hub ended with %v", err)
			}
			if !strings.Contains(string(rest), `"event_type":"stop"`) {
				t.Errorf("no orderly end is logged: %s", rest)
			}
		})
	}
	t.Run("a second one kills", func(t *testing.T) {
		p, lines := startProcess(t, "--drain-timeout", "10m")
		c, err := net.Dial("tcp", awaitAddress(t, lines))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "POST /v1/topics/orders/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		bufio.NewReader(c).ReadString('\n')
		p.Process.Signal(syscall.SIGTERM)
		lines.ReadString('\n') // it shuts down, and waits for the body
		ended := make(chan struct{})
		go func() {
			p.Wait()
			close(ended)
		}()
		for {
			p.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
				if got := p.ProcessState.String(); got != "signal: terminated" {
					t.Errorf("the hub ended with %s", got)
				}
				return
			case <-time.After(10 * time.Millisecond): // the first one may still be under way
			}
		}
	})
}

// awaitAddress returns where the hub listens, as its start line has it.
func awaitAddress(t *testing.T, lines *bufio.Reader) string {
	t.Helper()
	for {
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no start line came: %v", err)
		}
		var line struct{ Look string }
		if json.Unmarshal([]byte(text), &line) == nil && line.Look != "" {
			return strings.TrimSuffix(strings.TrimPrefix(line.Look, "http://"), "/")
		}
	}
}

// startProcess runs a hub as a process and returns it with its output.
func startProcess(t *testing.T, settings ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	args := append([]string{"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store", "memory"}, settings...)
	p := exec.CommandContext(ctx, os.Args[0], args...)
	p.Env = append(os.Environ(), "HUB_TEST_BE_HUB=1")
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.Peek(1); err != nil {
		t.Fatalf("the hub did not start: %v", err)
	}
	return p, lines
}

func noEnv(string) string { return "" }
