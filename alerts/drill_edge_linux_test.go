package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// edgeUser is who nginx runs as in its image.
const edgeUser = 101

// edge is nginx with the stack's configuration in front of the drill's hub,
// and the prober that goes through it.
type edge struct {
	t       *testing.T
	program string
	config  string
	folder  string // nginx's own
	url     string
	nginx   *exec.Cmd
	prober  string // address of its metrics
}

func newEdge(t *testing.T, hub string) *edge {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		needs.Missing(t, "no nginx: apt-get install nginx")
	}
	folder, err := os.MkdirTemp("", "sluice-drill-edge-") // t.TempDir is for one user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chown(folder, edgeUser, edgeUser); err != nil { // the small file system took root already
		t.Fatal(err)
	}
	address := programtest.FreeAddress(t)
	e := &edge{t: t, program: path, folder: folder, config: filepath.Join(folder, "nginx.conf"), url: "http://" + address, prober: programtest.FreeAddress(t)}
	text := strings.NewReplacer("listen 8080", "listen "+address, "http://hub:8080", "http://"+hub, " /tmp/", " "+folder+"/").
		Replace(string(read(t, "../services/edge/nginx.conf")))
	if err := os.WriteFile(e.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	e.start()
	t.Cleanup(e.kill)
	e.probe()
	return e
}

// start runs nginx until it answers.
func (e *edge) start() {
	e.t.Helper()
	e.nginx = exec.Command(e.program, "-c", e.config, "-g", "daemon off;")
	e.nginx.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: edgeUser, Gid: edgeUser}, Setpgid: true}
	if err := e.nginx.Start(); err != nil {
		e.t.Fatal(err)
	}
	eventually(e.t, "the edge answers", time.Minute, func() error { return answers(e.url + "/edge/healthz") })
}

// kill ends nginx and its workers at once.
func (e *edge) kill() {
	syscall.Kill(-e.nginx.Process.Pid, syscall.SIGKILL)
	e.nginx.Wait() // it was killed
}

// probe runs the prober until the end of the test.
func (e *edge) probe() {
	e.t.Helper()
	prober := exec.Command(programtest.Built(e.t, "loadtest"), "probe", "--url", e.url, "--listen", e.prober, "--target", "orders=orders.probe")
	if err := prober.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		prober.Process.Kill()
		prober.Wait() // it was killed
	})
	eventually(e.t, "the prober answers", time.Minute, func() error { return answers("http://" + e.prober + "/metrics") })
}

// answers wants anything at an address.
func answers(url string) error {
	response, err := http.Get(url)
	if err == nil {
		response.Body.Close()
	}
	return err
}
