// Package programtest helps tests that run programs of this repository as
// processes of their own.
package programtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// Build builds a program, named by its folder in the repository, such as
// services/hub, into folder, and returns its path. It may be called from the
// folder of any package.
func Build(folder, program string) (string, error) {
	name := filepath.Join(folder, path.Base(program))
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", name, "github.com/sluice-stream/sluice/"+program).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building %s: %w: %s", program, err, out)
	}
	return name, nil
}

// Built returns the path of a program that is built for this test.
func Built(t testing.TB, program string) string {
	t.Helper()
	name, err := Build(t.TempDir(), program)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// given are the ports that FreeAddress has returned.
var given sync.Map

// FreeAddress returns an address of this machine below the ports that outgoing
// connections get: none of them takes it while its owner is away, and no other
// test of this process is given it.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
