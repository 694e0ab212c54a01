package stacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	goImage := s.project.Services["init"].Build.Args["GO_IMAGE"]
	s.left = makeImages(t, s.project, *goImage)
	s.leaveOut()
	cleanup(t, "image", "prune", "--force", "--filter", "label=sluice.stage=build")
	cleanup(t, "image", "rm", "--force", ownImage)
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

// settings are what this machine may have in use already, and a mirror of
// modules.
func settings(t *testing.T) []string {
	t.Helper()
	all := []string{
		"COMPOSE_PROJECT_NAME=" + projectName, "COMPOSE_PROFILES=demo", "SLUICE_IMAGE=" + ownImage,
		"SLUICE_SUBNET=172.28.254.0/24", "SLUICE_SUBNET_RANGE=172.28.254.0/25", "SLUICE_EDGE_ADDRESS=172.28.254.250",
		"SLUICE_GOPROXY=" + mirror(t), "SLUICE_GOSUMDB=off",
		"DOCKER_BUILDKIT=0", "COMPOSE_BAKE=false",
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if files.Max < 65536 { // an engine started from here may not give more
		all = append(all, "SLUICE_OPEN_FILES="+strconv.FormatUint(files.Max, 10))
	}
	for _, name := range []string{"EDGE", "GRAFANA", "PROMETHEUS", "ALERTMANAGER", "JAEGER"} {
		port := strconv.Itoa(freePort(t))
		all = append(all, "SLUICE_"+name+"_PORT="+port, "SLUICE_"+name+"_URL=http://127.0.0.1:"+port)
	}
	return all
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// mirror serves this machine's Go modules to containers that are built.
func mirror(t *testing.T) string {
	t.Helper()
	download := exec.Command("go", "mod", "download")
	download.Dir = root
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("go mod download: %v: %s", err, out)
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(bridge(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(filepath.Join(strings.TrimSpace(string(cache)), "cache", "download")))
	server := &http.Server{Handler: files}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String()
}

// bridge returns this machine's address for containers that are built.
func bridge(t *testing.T) string {
	t.Helper()
	name := must(t, "network", "inspect", "bridge", "--format", `{{index .Options "com.docker.network.bridge.name"}}`)
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatalf("the engine has to be on this machine: %s: %v", name, err)
	}
	addresses, err := i.Addrs()
	if err != nil || len(addresses) == 0 {
		t.Fatalf("addresses of %s: %v, %v", name, addresses, err)
	}
	return addresses[0].(*net.IPNet).IP.String()
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

// A container is what the engine says of one.
type container struct {
	ID           string `json:"Id"`
	RestartCount int
	State        struct {
		Pid       int
		Status    string
		StartedAt string
		Health    *struct{ Status string }
	}
	Config     struct{ User, Image string }
	HostConfig struct {
		ReadonlyRootfs, Privileged bool
		CapAdd, CapDrop            []string
		SecurityOpt                []string
		Memory, NanoCpus           int64
		PidsLimit                  *int64
		PortBindings               map[string][]struct{ HostIp, HostPort string }
	}
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
	}
}

// inspect returns a service's container.
func (s *stack) inspect(service string) container {
	s.t.Helper()
	c, err := s.look(service)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stack) look(service string) (container, error) {
	id, err := s.compose(s.t.Context(), "ps", "--all", "--quiet", service)
	if err != nil {
		return container{}, err
	}
	out, err := docker(s.t.Context(), nil, "inspect", strings.TrimSpace(id))
	if err != nil {
		return container{}, err
	}
	var all []container
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		return container{}, fmt.Errorf("docker inspect of %s: %d containers, %w", service, len(all), err)
	}
	return all[0], nil
}

// well wants a container to be healthy, and another one or another start than
// before.
func (s *stack) well(service string, before container) func() error {
	return func() error {
		now, err := s.look(service)
		if err != nil {
			return err
		}
		if now.ID == before.ID && now.State.StartedAt == before.State.StartedAt {
			return errors.New("it was not started again")
		}
		if now.State.Health == nil || now.State.Health.Status != "healthy" {
			return fmt.Errorf("it is %s, %+v", now.State.Status, now.State.Health)
		}
		return nil
	}
}
