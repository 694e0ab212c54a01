package stacktest

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// A standIn is an image made here in place of one that is not at hand.
type standIn struct {
	changes []string // its configuration, as lines of a Dockerfile
	fill    func(*layer)
}

const shellPath = "ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// standIns returns what can be made, by service; "go" is what our own images are
// built with, "nginx" what the edge's is made of. They are as services/images.md says of the real ones.
func standIns(t *testing.T) map[string]standIn {
	t.Helper()
	busybox := onPath(t, "busybox", "busybox-static")
	prometheus, alertmanager := backendtest.Program(t, "prometheus"), backendtest.Program(t, "alertmanager")
	loki, jaeger := backendtest.Program(t, "loki"), backendtest.Program(t, "jaeger")
	nginx, compiled := onPath(t, "nginx", "nginx"), warmCache(t)
	return map[string]standIn{
		"prometheus": {[]string{shellPath, "USER nobody", "VOLUME /prometheus", "WORKDIR /prometheus", "ENTRYPOINT [\"/bin/prometheus\"]"}, func(l *layer) {
			l.shell(busybox, "sh", "cat", "wget")
			l.file("/bin/prometheus", prometheus)
			l.folder("/etc/prometheus", 0o755, 65534)
			l.text("/etc/passwd", "nobody:x:65534:65534:nobody:/home:/bin/false\n")
			l.folder("/prometheus", 0o775, 65534)
		}},
		"alertmanager": {[]string{shellPath, "USER nobody", "VOLUME /alertmanager", "WORKDIR /alertmanager", "ENTRYPOINT [\"/bin/alertmanager\"]"}, func(l *layer) {
			l.shell(busybox, "sh", "cat", "wget")
			l.file("/bin/alertmanager", alertmanager)
			l.folder("/etc/alertmanager", 0o755, 65534)
			l.text("/etc/passwd", "nobody:x:65534:65534:nobody:/home:/bin/false\n")
			l.folder("/alertmanager", 0o775, 65534)
		}},
		"loki": {[]string{"USER 10001", "ENTRYPOINT [\"/usr/bin/loki\"]"}, func(l *layer) {
			l.file("/usr/bin/loki", loki)
			l.folder("/etc/loki", 0o755, 10001)
			l.folder("/loki", 0o755, 10001)
			l.folder("/loki/rules", 0o755, 10001)
			l.folder("/tmp", 0o1777, 0)
			l.text("/etc/passwd", "loki:x:10001:10001::/home/loki:/bin/false\n")
		}},
		"jaeger": {[]string{shellPath, "USER 10001", "VOLUME /tmp", "ENV JAEGER_LISTEN_HOST=0.0.0.0", "ENTRYPOINT [\"/cmd/jaeger/jaeger-linux\"]"}, func(l *layer) {
			l.shell(busybox, "sh", "cat", "wget")
			l.file("/cmd/jaeger/jaeger-linux", jaeger)
			l.folder("/tmp", 0o1777, 0)
		}},
		"nginx": {[]string{shellPath, "USER 101", "ENTRYPOINT [\"/docker-entrypoint.sh\"]", "CMD [\"nginx\", \"-g\", \"daemon off;\"]"}, func(l *layer) {
			l.shell(busybox, "sh", "cat", "wget")
			l.dynamic("/usr/sbin/nginx", nginx)
			l.folder("/etc/nginx", 0o775, 101)
			l.folder("/var/log/nginx", 0o755, 0)
			l.link("/var/log/nginx/access.log", "/dev/stdout")
			l.link("/var/log/nginx/error.log", "/dev/stderr")
			l.folder("/tmp", 0o1777, 0)
			l.text("/etc/passwd", "nginx:x:101:101:nginx:/var/cache/nginx:/sbin/nologin\n")
		}},
		"go": {[]string{shellPath, "WORKDIR /go"}, func(l *layer) {
			l.shell(busybox, "sh", "mkdir", "chmod")
			l.tree("/usr/local/go", runtime.GOROOT(), "api", "doc", "test")
			l.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
			l.folder("/root", 0o700, 0)
			l.tree("/root/.cache/go-build", compiled)
			l.folder("/tmp", 0o1777, 0)
			l.file("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt")
		}},
	}
}

func onPath(t *testing.T, program, pack string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		needs.Missing(t, "no "+program+": apt-get install "+pack)
	}
	return path
}

// dynamic copies a program with the libraries that it is linked to.
func (l *layer) dynamic(path, from string) {
	l.file(path, from)
	if l.err != nil {
		return
	}
	out, err := exec.Command("ldd", from).Output()
	if err != nil {
		l.err = fmt.Errorf("ldd %s: %w", from, err)
		return
	}
	for line := range strings.Lines(string(out)) {
		for _, field := range strings.Fields(line) {
			if strings.HasPrefix(field, "/") {
				library, err := filepath.EvalSymlinks(field)
				if err != nil {
					l.err = err
				}
				l.file(field, library)
			}
		}
	}
}

// makeImages makes the images of a project that are not at hand, and removes
// them with the test; beside those of services, what is built upon. It returns
// the services whose image can't be made.
func makeImages(t *testing.T, project *types.Project, images map[string]string) (missing []string) {
	t.Helper()
	made := standIns(t)
	for name, s := range project.Services {
		if s.Build == nil && s.PullPolicy != types.PullPolicyNever {
			images[name] = s.Image
		}
	}
	for name, image := range images {
		if _, err := docker(t.Context(), nil, "image", "inspect", image); err == nil {
			t.Logf("%s is at hand", image)
			continue
		}
		stand, ok := made[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		stand.make(t, image)
	}
	return missing
}

func (s standIn) make(t *testing.T, image string) {
	t.Helper()
	read, write := io.Pipe()
	go func() { // ends when docker does, which closes the other end
		l := &layer{tar: tar.NewWriter(write)}
		s.fill(l)
		if l.err == nil {
			l.err = l.tar.Close()
		}
		write.CloseWithError(l.err)
	}()
	defer read.Close()
	args := []string{"import"}
	for _, change := range s.changes {
		args = append(args, "--change", change)
	}
	if _, err := docker(t.Context(), read, append(args, "-", image)...); err != nil {
		t.Fatalf("making %s: %v", image, err)
	}
	cleanup(t, "image", "rm", "--force", image)
}

// cleanup runs a command at the end of the test.
func cleanup(t *testing.T, args ...string) {
	t.Cleanup(func() {
		if os.Getenv("SLUICE_STACK_KEEP") == "1" {
			return
		}
		if _, err := docker(context.Background(), nil, args...); err != nil { // the test's is over
			t.Error(err)
		}
	})
}
