package stacktest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Drills wait that long for an alert, and for its end: the rules' times are a
// sixtieth, the rest is for scrapes and for a busy machine.
const (
	scaleOfDrills = "60"
	firesWithin   = 90 * time.Second
	endsWithin    = 2 * time.Minute
)

// A drill is the stack with what makes faults possible: rules that do not take
// their time, and a hub with a small file system.
type drill struct {
	*stack
	volume string // the hub's file system
	edge   string
	bearer string
}

// drilled makes the running stack ready for faults.
func (s *stack) drilled(t *testing.T) *drill {
	t.Helper()
	rules, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	scale := exec.Command("go", "run", "./alerts", "scaled", "--factor", scaleOfDrills, "--out", rules)
	scale.Dir = root
	if out, err := scale.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(rules, 0o755); err != nil {
		t.Fatal(err)
	}
	volume := smallVolume(t)
	file := filepath.Join(t.TempDir(), "drills.yaml")
	text := fmt.Sprintf(override, rules, volume, edgeStreams)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s.files = append(s.files, "-f", file)
	s.environment = append(s.environment, "SLUICE_RETENTION_TOTAL_BYTES=8MiB")
	// The demo has faults of its own, which are not to be mistaken for these.
	s.must("stop", "demo")
	s.must("up", "--detach", "--wait", "--wait-timeout", "120", "hub", "prometheus", "edge", "prober")
	return &drill{stack: s, volume: volume, edge: s.url("edge"), bearer: "Bearer " + s.token()}
}

// edgeStreams is how many streams the edge of drills has room for: more than
// drills need that are not about it.
const edgeStreams = 70

// What drills add to compose.yaml. A breaker that tries again sooner saves a
// minute; readers are behind for long enough to be seen.
const override = `services:
  prometheus:
    volumes: ["%s:/etc/prometheus/rules:ro"]
  hub:
    environment: {SLUICE_BREAKER_OPEN: 5s, SLUICE_WRITE_TIMEOUT: 20s}
    volumes: ["%s:/data"]
  edge:
    environment: {SLUICE_EDGE_MAX_STREAMS: "%d"}
`

// smallVolume returns a folder of the hub's that is soon full.
func smallVolume(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=160m,mode=700,uid=65532,gid=65532"); err != nil {
		t.Fatalf("a small file system can't be mounted here, which takes root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill fills the hub's file system, and returns what makes room again.
func (d *drill) fill(t *testing.T) (empty func()) {
	t.Helper()
	path := filepath.Join(d.volume, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err = error(nil); err == nil; {
		_, err = f.Write(make([]byte, 64<<10))
	}
	if !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() { os.Remove(path) })
}

// publish publishes one event of so many bytes through the edge.
func (d *drill) publish(t *testing.T, topic string, bytes int) (status int) {
	answer, err := ask(t.Context(), "POST", d.edge+"/v1/topics/"+topic+"/events", strings.Repeat("x", bytes), "Authorization", d.bearer)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// publishSlowly takes its time between the two halves of an event.
func (d *drill) publishSlowly(t *testing.T, topic string, takes time.Duration) {
	c, err := net.Dial("tcp", strings.TrimPrefix(d.edge, "http://"))
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/topics/%s/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx", topic, d.bearer)
	select {
	case <-time.After(takes):
	case <-t.Context().Done():
		return
	}
	io.WriteString(c, "x")
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	io.Copy(io.Discard, c)
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
