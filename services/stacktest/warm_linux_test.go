package stacktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var buildCommand = regexp.MustCompile(`(?m)^RUN go (build .+) -o /programs/ (.+)$`)

// warmCache returns a folder with all that the Dockerfile's go build compiles,
// for the image that it is run in: it takes more than two minutes else. The
// folder is kept in the user's cache.
func warmCache(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "services", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	command := buildCommand.FindSubmatch(text)
	if command == nil {
		t.Fatal("there is no go build in services/Dockerfile")
	}
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(user, "sluice", "image-build")
	line := "exec go " + string(command[1]) + " -o " + t.TempDir() + "/ " + string(command[2])
	build := exec.Command("sh", "-c", line) // which takes the quotes away
	build.Dir = root
	build.Env = append(os.Environ(), "GOCACHE="+cache, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, strings.TrimSpace(string(out)))
	}
	return cache
}
