package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// inNamespace reports whether this is a machine's network of the test's own,
// with nothing but a loopback. Else it runs the test again in one, and reports
// how that went.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const own = "SLUICE_EDGE_OWN_NETWORK"
	if os.Getenv(own) == t.Name() {
		loopbackUp(t)
		return true
	}
	nginxPath(t) // or skips, before all else
	for _, build := range []func() (string, error){buildHub, buildEdge} {
		if _, err := build(); err != nil {
			t.Fatal(err)
		}
	}
	again := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	again.Env = append(os.Environ(), own+"="+t.Name(), builtIn+"="+binaries)
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	var out bytes.Buffer
	again.Stdout, again.Stderr = &out, &out
	switch err := again.Run(); {
	case errors.Is(err, syscall.EPERM):
		needs.Missing(t, "no network namespace may be made: run the tests as root")
	case err != nil || !strings.Contains(out.String(), "--- PASS: "+t.Name()):
		t.Errorf("in a network of its own: %v\n%s", err, out.String())
	default:
		for line := range strings.Lines(out.String()) {
			if _, told, ok := strings.Cut(line, "_test.go:"); ok {
				t.Log(strings.TrimSpace(told))
			}
		}
	}
	return false
}

// loopbackUp turns the loopback of a new network on (netdevice(7)).
func loopbackUp(t *testing.T) {
	t.Helper()
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(s)
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, err := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); err != 0 {
		t.Fatalf("turning the loopback on: %v", err)
	}
}

// sysctl sets something of this network.
func sysctl(t *testing.T, name, value string) {
	t.Helper()
	path := "/proc/sys/net/ipv4/" + name
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// timeWait returns how many sockets wait for the end of a connection to a port.
func timeWait(t *testing.T, port string) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", number)) && f[3] == "06" {
			n++
		}
	}
	return n
}
