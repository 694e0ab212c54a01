package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// Drills wait that long for an alert, and for its end: the rules' times are a
// sixtieth, the rest is for a busy machine.
const (
	scaleOfDrills = 60
	firesWithin   = 90 * time.Second
	endsWithin    = 2 * time.Minute
)

// stack is a hub in a process of its own, with all that watches it.
type stack struct {
	t                              *testing.T
	alertmanager, loki, prometheus *backendtest.Backend
	edge                           *edge
	dir                            string // a small file system of the hub's
	binary, public, admin          string

	hub    *exec.Cmd
	ended  chan struct{}
	output *bytes.Buffer // of the hub; read after its end
}

func newStack(t *testing.T) *stack {
	s := &stack{t: t, dir: t.TempDir(), public: programtest.FreeAddress(t), admin: programtest.FreeAddress(t)}
	if err := syscall.Mount("tmpfs", s.dir, "tmpfs", 0, "size=160m"); err != nil {
		needs.Missing(t, "a small file system can't be mounted here, which takes root: "+err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(s.dir, syscall.MNT_DETACH) })
	s.alertmanager = backendtest.Alertmanager(t, backendtest.Receivers("alertmanager.yml"))
	s.loki = backendtest.Loki(t)
	rules := t.TempDir()
	if err := writeScaled("rules", rules, scaleOfDrills); err != nil {
		t.Fatal(err)
	}
	s.binary = programtest.Built(t, "services/hub")
	s.startHub()
	s.edge = newEdge(t, s.public)
	s.prometheus = backendtest.Prometheus(t, backendtest.Scrape(s.admin), backendtest.Target("prober", s.edge.prober),
		backendtest.Rules(glob(t, rules+"/*.yml")...),
		backendtest.Watch(s.loki), backendtest.AlertsTo(s.alertmanager))
	return s
}

// A hub takes the quota of its control group from there. It is told of a fifth
// of a core, which any machine can give it, however busy.
const withQuota = `mount --make-rprivate / && mount -t tmpfs none /sys/fs/cgroup &&
	echo 20000 100000 > /sys/fs/cgroup/cpu.max && exec "$0" "$@"`

func (s *stack) startHub() {
	s.t.Helper()
	s.hub = exec.Command("sh", "-c", withQuota, s.binary, "--listen", s.public, "--admin-listen", s.admin,
		"--data", filepath.Join(s.dir, "data"), "--retention-total-bytes", "8388608", "--topic-class", "orders=orders.*",
		"--breaker-open", "5s", "--write-timeout", "30s", "--loki-url", s.loki.URL("http"))
	s.hub.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	s.output = &bytes.Buffer{}
	s.hub.Stdout, s.hub.Stderr = s.output, s.output
	if err := s.hub.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(hub *exec.Cmd, ended chan struct{}) {
		hub.Wait() // it is killed
		close(ended)
	}(s.hub, s.ended)
	s.t.Cleanup(s.killHub)
	eventually(s.t, "the hub is ready", time.Minute, func() error { return answers("http://" + s.admin + "/readyz") })
}

func (s *stack) killHub() {
	s.hub.Process.Kill()
	<-s.ended
	if s.t.Failed() {
		text := s.output.String()
		s.t.Logf("the end of the hub's log:\n%s", text[max(0, len(text)-3000):])
	}
}

// publish publishes one event of so many bytes.
func (s *stack) publish(topic string, bytes int) (status int) {
	client := http.Client{Timeout: 15 * time.Second}
	response, err := client.Post("http://"+s.public+"/v1/topics/"+topic+"/events", "text/plain", strings.NewReader(strings.Repeat("x", bytes)))
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// meanwhile runs a function over and over, on so many goroutines, until the
// returned one is called.
func meanwhile(goroutines int, do func()) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	for range goroutines {
		running.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					do()
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(done)
		running.Wait()
	})
}

// fill fills the hub's file system, and returns what makes room again.
func (s *stack) fill(t *testing.T) (empty func()) {
	t.Helper()
	path := filepath.Join(s.dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err = error(nil); err == nil; {
		_, err = f.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() { os.Remove(path) })
}
