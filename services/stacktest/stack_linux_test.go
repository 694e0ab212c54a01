package stacktest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// A stack is compose.yaml, brought up under a name, ports and addresses of its
// own.
type stack struct {
	t           *testing.T
	project     *types.Project
	environment []string
	files       []string // -f and each of them
	left        []string // services that are left out: their image is nowhere
}

const (
	projectName = "sluice-stacktest"
	ownImage    = "sluice-stacktest:local"
	edgeImage   = "sluice-stacktest-edge:local"
)

// up builds what compose.yaml builds, brings it up and waits until all are
// well. All of it is gone after the test.
func up(t *testing.T) *stack {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, files: []string{"-f", filepath.Join(dir, "compose.yaml")}}
	own := settings(t)
	s.environment = append(os.Environ(), own...)
	s.project = load(t, cli.WithDotEnv, cli.WithEnv(own))
	args := s.project.Services["edge"].Build.Args
	s.left = makeImages(t, s.project, map[string]string{"go": *args["GO_IMAGE"], "nginx": *args["NGINX_IMAGE"]})
	s.leaveOut()
	cleanup(t, "image", "prune", "--force", "--filter", "label=sluice.stage=build")
	cleanup(t, "image", "rm", "--force", ownImage, edgeImage)
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := s.compose(context.Background(), "logs", "--no-color", "--tail", "40")
			t.Logf("the ends of the logs:\n%s", logs)
		}
		if os.Getenv("SLUICE_STACK_KEEP") == "1" {
			return
		}
		if _, err := s.compose(context.Background(), "down", "--volumes", "--remove-orphans", "--timeout", "25"); err != nil {
			t.Error(err)
		}
	})
	s.must("up", "--wait", "--wait-timeout", "240")
	return s
}

// leaveOut adds a file that leaves out what has no image, and nothing else.
func (s *stack) leaveOut() {
	if len(s.left) == 0 {
		return
	}
	if !slices.Equal(s.left, []string{"grafana"}) {
		s.t.Fatalf("only Grafana may be left out: no image of %v", s.left)
	}
	path := filepath.Join(s.t.TempDir(), "without-grafana.yaml")
	if err := os.WriteFile(path, []byte("services: {grafana: {profiles: [left-out]}}\n"), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.files = append(s.files, "-f", path)
}

func (s *stack) compose(ctx context.Context, args ...string) (string, error) {
	return run(ctx, s.environment, nil, append(append([]string{"compose"}, s.files...), args...)...)
}

// must returns what a command of Compose wrote, which has to work.
func (s *stack) must(args ...string) string {
	s.t.Helper()
	out, err := s.compose(s.t.Context(), args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// url returns the address that a service is published at.
func (s *stack) url(service string) string {
	s.t.Helper()
	for _, p := range s.project.Services[service].Ports {
		return "http://" + net.JoinHostPort(p.HostIP, p.Published)
	}
	s.t.Fatalf("%s is not published", service)
	return ""
}

// token returns a new token for publishing and subscribing.
func (s *stack) token() string {
	s.t.Helper()
	return s.must("exec", "-T", "hub", "/hub", "token")
}

// names returns the services that were started, init included.
func (s *stack) names() []string {
	var names []string
	for name := range s.project.Services {
		if !slices.Contains(s.left, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
