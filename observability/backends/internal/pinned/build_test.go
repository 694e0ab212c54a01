package pinned

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// tool is a program in a module that a proxy in a folder serves.
var tool = Program{
	Name: "tool", Module: "example.test/tool", Version: "v1.2.3", Release: "1.2.3",
	Package: "cmd/tool", Tags: "wanted", Stamp: "main.release",
}

var toolFiles = map[string]string{
	"go.mod":             "module example.test/tool\n\ngo 1.26.0\n",
	"go.sum":             "",
	"cmd/tool/main.go":   "package main\n\nvar release string\n\nfunc main() { println(\"tool\", release, tag) }\n",
	"cmd/tool/wanted.go": "//go:build wanted\n\npackage main\n\nconst tag = \"tagged\"\n",
}

// serveModule makes the go command find tool, and nothing of the network.
func serveModule(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, "proxy", "example.test", "tool", "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for name, text := range files {
		w, err := z.Create("example.test/tool@v1.2.3/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"v1.2.3.info": []byte(`{"Version":"v1.2.3"}`), "v1.2.3.mod": []byte(files["go.mod"]), "v1.2.3.zip": archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOPROXY", "file:///"+strings.TrimPrefix(filepath.ToSlash(filepath.Join(dir, "proxy")), "/"))
	t.Setenv("GONOSUMDB", "example.test/*")
	t.Setenv("GOMODCACHE", filepath.Join(dir, "modules"))
	t.Cleanup(func() {
		if err := exec.Command("go", "clean", "-modcache").Run(); err != nil { // its files are read-only
			t.Error(err)
		}
	})
}

// Two that want a program at the same time build it once, with the tags and
// the release that it is to have, and nothing else is left in the cache.
func TestBuildOnce(t *testing.T) {
	serveModule(t, toolFiles)
	cache := filepath.Join(t.TempDir(), "cache")
	if err := os.MkdirAll(filepath.Join(cache, "scratch-left-by-a-kill"), 0o755); err != nil {
		t.Fatal(err)
	}
	var progress programtest.Output
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			if path, err := tool.Build(t.Context(), cache, &progress); err != nil || path != tool.Path(cache) {
				t.Errorf("Build: %q, %v", path, err)
			}
		})
	}
	callers.Wait()
	if n := strings.Count(progress.String(), "building tool 1.2.3"); n != 1 {
		t.Errorf("built %d times: %s", n, progress.String())
	}
	out, err := exec.Command(tool.Path(cache)).CombinedOutput()
	if err != nil || string(out) != "tool 1.2.3 tagged\n" {
		t.Errorf("the program: %q, %v", out, err)
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) != 2 {
		t.Errorf("in the cache: %v, %v; want the program and the lock", left, err)
	}
	if path, err := tool.Find(t.Context(), cache); err != nil || path != tool.Path(cache) {
		t.Errorf("Find: %q, %v", path, err)
	}
}

func TestBuildFails(t *testing.T) {
	broken := map[string]string{"go.mod": toolFiles["go.mod"], "go.sum": "", "cmd/tool/main.go": "package main\n\nfunc main() { nonsense() }\n"}
	serveModule(t, broken)
	cache := t.TempDir()
	var progress programtest.Output
	_, err := tool.Build(t.Context(), cache, &progress)
	for _, want := range []string{"building tool 1.2.3", "undefined: nonsense", "GOPROXY"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := tool.Find(t.Context(), cache); err == nil || !strings.Contains(err.Error(), "backends build tool") {
		t.Errorf("Find says %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := tool.Build(ctx, cache, &progress); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var progress programtest.Output
	unlock, err := lock(t.Context(), path, &progress)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := lock(ctx, path, &progress); !errors.Is(err, context.Canceled) {
		t.Errorf("a second holder: %v", err)
	}
	if got := progress.String(); !strings.Contains(got, "waiting") {
		t.Errorf("progress %q does not say that it waits", got)
	}
	unlock()
	unlock, err = lock(t.Context(), path, &progress)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
