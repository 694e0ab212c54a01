package edge

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// uid is who nginx runs as in its image. Nothing else of this machine is
// writable for it, as in a container with a read-only root.
const uid = 101

// An edge is a running nginx.
type edge struct {
	url    string
	folder string // in place of /tmp
	output string // file of what it writes, the access log too
}

// newEdge runs nginx with nginx.conf in front of hubs, but for addresses,
// folders and what else is to be replaced in it, old and new in turn.
func newEdge(t *testing.T, names *names, port string, replace ...string) *edge {
	t.Helper()
	e, config := prepare(t, names, port, replace...)
	cmd := nginx(t, e, "-c", config, "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait() // by the signal
		if t.Failed() {
			t.Logf("nginx wrote:\n%s", e.written(t))
		}
	})
	await(t, "nginx answers", func() bool {
		answer, err := http.Get(e.url + "/edge/healthz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return err == nil && answer.StatusCode == http.StatusOK && string(text) == "ok\n"
	})
	return e
}

// prepare writes the configuration.
func prepare(t *testing.T, names *names, port string, replace ...string) (e *edge, config string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "sluice-edge-") // t.TempDir is for one user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	address := programtest.FreeAddress(t)
	e = &edge{url: "http://" + address, folder: folder, output: filepath.Join(folder, "output")}
	text, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	changed := string(text)
	pairs := append([]string{
		"listen 8080", "listen " + address,
		"http://hub:8080", "http://hub:" + port,
		"resolver 127.0.0.11", "resolver " + names.address,
		" /tmp/", " " + folder + "/",
	}, replace...)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(changed, pairs[i]) {
			t.Fatalf("nginx.conf has no %q", pairs[i])
		}
		changed = strings.ReplaceAll(changed, pairs[i], pairs[i+1])
	}
	config = filepath.Join(folder, "nginx.conf")
	for name, content := range map[string]string{
		config:   changed,
		e.output: "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{folder, e.output} {
		if os.Getuid() == 0 {
			if err := os.Chown(name, uid, uid); err != nil {
				t.Fatal(err)
			}
		}
	}
	return e, config
}

// nginx returns a command of it, run by nobody special.
func nginx(t *testing.T, e *edge, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		needs.Missing(t, "no nginx: apt-get install nginx")
	}
	output, err := os.OpenFile(e.output, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { output.Close() })
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	return cmd
}

// written returns what nginx has written.
func (e *edge) written(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(e.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nginx has nothing against the configuration, but that an ordinary limit of
// files is lower than what the edge would make use of.
func TestConfiguration(t *testing.T) {
	e, config := prepare(t, newNames(t), "8080")
	if err := nginx(t, e, "-t", "-c", config).Run(); err != nil {
		t.Errorf("nginx -t: %v", err)
	}
	for line := range strings.Lines(e.written(t)) {
		if strings.Contains(line, "[") && !strings.Contains(line, "exceed open file resource limit") {
			t.Error(line)
		}
	}
	if !strings.Contains(e.written(t), "test is successful") {
		t.Errorf("nginx -t wrote %s", e.written(t))
	}
}
