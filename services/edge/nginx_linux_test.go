package main

import (
	"io"
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
	"github.com/sluice-stream/sluice/services/edge/internal/config"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

// uid is who the edge runs as in its image. Nothing else of this machine is
// writable for it, as in a container with a read-only root.
const uid = 101

// nginxPath is the nginx that is tested: Debian's, or one that is given.
func nginxPath(t *testing.T) string {
	t.Helper()
	program := os.Getenv("SLUICE_NGINX")
	if program == "" {
		program = "nginx"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		needs.Missing(t, "no nginx: apt-get install nginx")
	}
	return path
}

// A door is a running edge.
type door struct {
	url    string
	admin  string // URL of the metrics
	folder string // what it may write in
	output string // file of what it writes, with the lines of requests
	cmd    *exec.Cmd
	ended  chan struct{}
}

// newEdge runs an edge in front of hubs at a port.
func newEdge(t *testing.T, names *names, port string, flags ...string) *door {
	t.Helper()
	e := prepare(t)
	address := strings.TrimPrefix(e.url, "http://")
	e.start(t, append([]string{"--listen", address, "--hub", "hub:" + port, "--resolver", names.address}, flags...)...)
	return e
}

// prepare makes a folder and finds addresses.
func prepare(t *testing.T) *door {
	t.Helper()
	folder, err := os.MkdirTemp("", "sluice-edge-") // t.TempDir is for one user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	e := &door{url: "http://" + programtest.FreeAddress(t), admin: "http://" + programtest.FreeAddress(t), folder: folder, output: filepath.Join(folder, "output")}
	if err := os.WriteFile(e.output, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{folder, e.output} {
		if os.Getuid() == 0 {
			if err := os.Chown(name, uid, uid); err != nil {
				t.Fatal(err)
			}
		}
	}
	return e
}

// start starts the edge and waits until it is there.
func (e *door) start(t *testing.T, flags ...string) {
	t.Helper()
	path := nginxPath(t)
	program, err := buildEdge()
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.OpenFile(e.output, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	e.cmd = exec.Command(program, append([]string{"--nginx", path, "--folder", filepath.Join(e.folder, "nginx"), "--workers", "2",
		"--admin-listen", strings.TrimPrefix(e.admin, "http://")}, flags...)...)
	e.cmd.Stdout, e.cmd.Stderr = output, output
	e.cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		e.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	e.ended = make(chan struct{})
	go func() {
		e.cmd.Wait()
		close(e.ended)
	}()
	t.Cleanup(func() {
		e.stop(t)
		if t.Failed() {
			t.Logf("the edge wrote:\n%s", e.written(t))
		}
	})
	await(t, "the edge answers", func() bool {
		answer, err := insecure.Get(e.url + "/edge/healthz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return err == nil && answer.StatusCode == http.StatusOK && string(text) == "ok\n"
	})
}

// stop ends the edge, which has to take its nginx along.
func (e *door) stop(t *testing.T) {
	e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.ended:
	case <-time.After(20 * time.Second):
		e.cmd.Process.Kill()
		t.Error("the edge did not end within 20 s")
	}
}

// written returns what the edge has written.
func (e *door) written(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(e.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nginx has nothing against the configuration, whatever is turned on.
func TestConfiguration(t *testing.T) {
	path := nginxPath(t)
	for name, change := range map[string]func(*settings.Settings, *config.Facts){
		"as it comes": func(*settings.Settings, *config.Facts) {},
		"all traces": func(s *settings.Settings, _ *config.Facts) {
			s.TrustedProxies, s.TraceRatio = settings.List{"192.0.2.10", "198.51.100.0/24"}, 1
		},
		"no traces": func(s *settings.Settings, _ *config.Facts) { s.TraceRatio = 0 },
		"TLS":       func(s *settings.Settings, _ *config.Facts) { s.TLSCert, s.TLSKey = selfSigned(t) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			s, err := settings.Parse([]string{"--hub", "hub:8080", "--folder", folder, "--listen", programtest.FreeAddress(t)}, func(string) string { return "" }, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			f := config.Facts{Cores: 2, Files: 1024, Ports: 28000, Resolver: "127.0.0.11:53"}
			if f.Version, err = nginx.Version(path); err != nil {
				t.Fatal(err)
			}
			change(&s, &f)
			text, err := config.Render(s, f, 0)
			if err != nil {
				t.Fatal(err)
			}
			for file, content := range map[string][]byte{"nginx.conf": text, "hub.conf": config.Hubs(nil)} {
				if err := os.WriteFile(filepath.Join(folder, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command(path, "-e", "stderr", "-t", "-c", filepath.Join(folder, "nginx.conf")).CombinedOutput()
			if err != nil || strings.Contains(string(out), "[") {
				t.Errorf("nginx -t: %v: %s", err, out)
			}
		})
	}
}
