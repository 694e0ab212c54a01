package stacktest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// attempts are what testdata/refused tries. The last is what a service does.
var attempts = []string{"ptrace", "mount", "unshare", "setns", "chroot", "sethostname", "keyctl", "io_uring", "clone3", "packets", "setuid", "internet"}

// A program in the hub's own place is refused what no service needs. That this
// is the profile's doing is seen by root with the capabilities for it, who is
// refused it with the profile and has most of it without.
func testRefusals(t *testing.T, s *stack) {
	program := filepath.Join(t.TempDir(), "refused")
	build := exec.Command("go", "build", "-o", program, "./testdata/refused")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mount := program + ":/refused:ro"
	check(t, "in the hub's place", s.must("run", "--rm", "--no-deps", "-T", "-v", mount, "--entrypoint", "/refused", "hub", "/data"))

	profile, err := filepath.Abs(filepath.Join(root, "services", "seccomp.json"))
	if err != nil {
		t.Fatal(err)
	}
	// Without no-new-privileges the profile would be in force too early: before
	// the engine has changed user and capabilities.
	root := []string{"run", "--rm", "--user", "0", "--cap-add", "SYS_ADMIN", "--security-opt", "no-new-privileges:true",
		"-v", mount, "--entrypoint", "/refused", "--security-opt"}
	check(t, "as root with capabilities", must(t, append(root, "seccomp="+profile, ownImage, "/data")...))
	open := said(must(t, append(root, "seccomp=unconfined", ownImage, "/data")...))
	for _, name := range []string{"ptrace", "mount", "unshare", "chroot", "sethostname", "packets", "internet"} {
		want := "done"
		if name == "ptrace" {
			want = "no such process"
		}
		if open[name] != want {
			t.Errorf("without a profile root may not even %s: %q", name, open[name])
		}
	}
}

// said reads what the program printed.
func said(output string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(output) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			all[name] = text
		}
	}
	return all
}

func check(t *testing.T, where, output string) {
	t.Helper()
	all := said(output)
	for _, name := range attempts {
		want := "operation not permitted"
		switch name {
		case "internet":
			want = "done"
		case "clone3":
			want = "function not implemented"
		}
		if all[name] != want {
			t.Errorf("%s, %s: %q, want %q", where, name, all[name], want)
		}
	}
}
