package stacktest

import (
	"errors"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// settings are what this machine may have in use already, and a mirror of
// modules.
func settings(t *testing.T) []string {
	t.Helper()
	all := []string{
		"COMPOSE_PROJECT_NAME=" + projectName, "COMPOSE_PROFILES=demo", "SLUICE_IMAGE=" + ownImage, "SLUICE_EDGE_IMAGE=" + edgeImage,
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
		_, port, _ := net.SplitHostPort(programtest.FreeAddress(t)) // it is one
		all = append(all, "SLUICE_"+name+"_PORT="+port, "SLUICE_"+name+"_URL=http://127.0.0.1:"+port)
	}
	return all
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
