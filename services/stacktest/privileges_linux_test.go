package stacktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the engine was told of every container, and what the kernel says of
// those that run.
func testPrivileges(t *testing.T, s *stack) {
	profile := compact(t)
	for _, name := range s.names() {
		c := s.inspect(name)
		h := c.HostConfig
		if !h.ReadonlyRootfs || h.Privileged || len(h.CapAdd) > 0 || !slices.Equal(h.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: read-only %v, privileged %v, capabilities +%v -%v", name, h.ReadonlyRootfs, h.Privileged, h.CapAdd, h.CapDrop)
		}
		if uid, _, _ := strings.Cut(c.Config.User, ":"); uid == "" || uid == "0" {
			t.Errorf("%s runs as %q", name, c.Config.User)
		}
		if !slices.Contains(h.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may get new privileges", name)
		}
		if got := slices.Contains(h.SecurityOpt, "seccomp="+profile); got != slices.Contains(own, name) {
			t.Errorf("%s has our seccomp profile: %v", name, got)
		}
		if h.Memory <= 0 || h.NanoCpus <= 0 || h.PidsLimit == nil || *h.PidsLimit <= 0 {
			t.Errorf("%s lacks a limit: memory %d, cores %d, processes %v", name, h.Memory, h.NanoCpus, h.PidsLimit)
		}
		for port, bindings := range h.PortBindings {
			for _, b := range bindings {
				if b.HostIp != "127.0.0.1" {
					t.Errorf("%s: %s is published at %q", name, port, b.HostIp)
				}
			}
		}
		if name == "init" {
			continue // it has ended
		}
		if err := confined(c.State.Pid); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range own {
		if name == "init" || name == "demo" {
			continue
		}
		if out, err := s.compose(t.Context(), "exec", "-T", name, "sh", "-c", "true"); err == nil {
			t.Errorf("%s has a shell: %s", name, out)
		}
	}
}

// compact returns our seccomp profile as Compose hands it to the engine.
func compact(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "services", "seccomp.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var statusLine = regexp.MustCompile(`(?m)^(Uid|CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):\s+(\S+)`)

// confined wants a process without root, without capabilities, without a way to
// get any, and behind a filter of system calls.
func confined(pid int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err
	}
	got := map[string]string{}
	for _, m := range statusLine.FindAllStringSubmatch(string(text), -1) {
		got[m[1]] = m[2]
	}
	const none = "0000000000000000"
	if got["Uid"] == "0" || got["CapEff"] != none || got["CapPrm"] != none || got["CapBnd"] != none ||
		got["NoNewPrivs"] != "1" || got["Seccomp"] != "2" {
		return fmt.Errorf("process %d: %v", pid, got)
	}
	return nil
}
