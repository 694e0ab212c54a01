package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// A client whose link is cut is gone within a minute, for the hub too, although
// it has said nothing: with the settings of the kernel that compose.yaml has.
func TestClientVanishes(t *testing.T) {
	t.Parallel()
	if far := os.Getenv(farAway); far != "" {
		readFarAway(far)
		return
	}
	if !inNamespace(t) {
		return
	}
	if _, err := exec.LookPath("ip"); err != nil {
		needs.Missing(t, "no ip: apt-get install iproute2")
	}
	sysctl(t, "tcp_retries2", "6")
	names := newNames(t)
	names.is("127.0.0.1")
	address := programtest.FreeAddress(t)
	e := prepare(t)
	port := portOf(strings.TrimPrefix(e.url, "http://"))
	e.start(t, "--listen", "0.0.0.0:"+port, "--hub", "hub:"+portOf(address), "--resolver", names.address)
	h := newHub(t, address, t.TempDir(), "--heartbeat-interval", "5s")

	// A machine of its own, behind a cable.
	reader := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	reader.Env = append(os.Environ(), farAway+"=http://10.99.0.1:"+port+"/v1/events?topic=orders")
	reader.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	stdin, err := reader.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := reader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close()
		reader.Wait()
	}()
	pid := strconv.Itoa(reader.Process.Pid)
	ip(t, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", pid)
	ip(t, "address", "add", "10.99.0.1/24", "dev", "near")
	ip(t, "link", "set", "near", "up")
	inside := func(args ...string) { command(t, "nsenter", append([]string{"-t", pid, "-n", "ip"}, args...)...) }
	inside("address", "add", "10.99.0.2/24", "dev", "far")
	inside("link", "set", "far", "up")
	if _, err := stdin.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	lineWith(t, bufio.NewScanner(stdout), "event: stream.open")
	await(t, "the hub has the stream", func() bool { return len(h.connections()) == 1 })
	inside("link", "set", "far", "down")
	cut := time.Now()
	for len(h.connections()) > 0 {
		if time.Since(cut) > time.Minute {
			t.Fatal("it is there after a minute")
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("gone after %v", time.Since(cut).Round(time.Second))
}

// farAway is the variable with the address that the other machine reads.
const farAway = "SLUICE_EDGE_FAR_AWAY"

// readFarAway reads a stream on the other machine, once it has a cable, until
// nobody wants it to.
func readFarAway(url string) {
	orders := bufio.NewReader(os.Stdin)
	if _, err := orders.ReadString('\n'); err != nil {
		return
	}
	answer, err := http.Get(url)
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		return
	}
	defer answer.Body.Close()
	go func() { // ends with the process
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			os.Stdout.WriteString(lines.Text() + "\n")
		}
	}()
	_, _ = orders.ReadString('\n') // until it is closed
}

func ip(t *testing.T, args ...string) { command(t, "ip", args...) }

// command runs a program, which has to work.
func command(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}
