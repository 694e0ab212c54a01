package pinned

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Cache returns the user's folder for built programs.
func Cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep programs in: %w", err)
	}
	return filepath.Join(dir, "sluice", "backends"), nil
}

// Path returns where the built program is, or will be, below cache.
func (p Program) Path(cache string) string {
	name := fmt.Sprintf("%s-%s-%s-%s", p.Name, p.Version, runtime.GOOS, runtime.GOARCH)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(cache, name)
}

// Build returns the path of the program below cache, and builds it there
// first where it is not. One program is built at a time on a machine; others
// wait. What goes on is told to progress.
func (p Program) Build(ctx context.Context, cache string, progress io.Writer) (string, error) {
	path := p.Path(cache)
	if built(path) {
		return path, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(cache, "lock"), progress)
	if err != nil {
		return "", fmt.Errorf("waiting to build %s: %w", p.Name, err)
	}
	defer unlock()
	if built(path) { // while we waited
		return path, nil
	}
	if err := p.build(ctx, cache, path, progress); err != nil {
		return "", fmt.Errorf("building %s %s: %w", p.Name, p.Release, err)
	}
	return path, nil
}

func built(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// build makes the program at path. It has the lock.
func (p Program) build(ctx context.Context, cache, path string, progress io.Writer) error {
	const scratches = "scratch-"
	left, _ := filepath.Glob(filepath.Join(cache, scratches+"*"))
	for _, dir := range left { // of builds that were killed
		os.RemoveAll(dir)
	}
	scratch, err := os.MkdirTemp(cache, scratches)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	defer report(progress, p)()
	if err := p.module(ctx, scratch); err != nil {
		return err
	}
	out := filepath.Join(scratch, "program")
	_, err = p.run(ctx, scratch, "build", "-trimpath", "-tags="+p.Tags, "-ldflags=-s -w -X "+p.Stamp+"="+p.Release,
		"-o", out, p.Module+"/"+p.Package)
	if err != nil {
		return err
	}
	return os.Rename(out, path)
}

// module makes dir a module that requires the program's, with its checksums.
func (p Program) module(ctx context.Context, dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(p.goMod()), 0o644); err != nil {
		return err
	}
	answer, err := p.run(ctx, dir, "mod", "download", "-json", p.Module+"@"+p.Version)
	if err != nil {
		return err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(answer, &downloaded); err != nil {
		return fmt.Errorf("go mod download: %w", err)
	}
	sums, err := os.ReadFile(filepath.Join(downloaded.Dir, "go.sum"))
	if err != nil {
		return err
	}
	own, err := os.ReadFile(filepath.Join(dir, "go.sum")) // of the module itself
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.sum"), append(own, sums...), 0o644)
}

// run returns what the go command answers, for this platform and with nothing
// of the caller's workspace.
func (p Program) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "PWD="+dir)
	cmd.Cancel = func() error { return end(cmd.Process) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s\nIt needs the Go module proxy (go env GOPROXY), some gigabytes of disk and Go 1.26.7 or later",
			args[0], err, complaint(stderr.String(), stdout.String()))
	}
	return stdout.Bytes(), nil
}

// end lets the go command clean up, where there is a way to ask it.
func end(p *os.Process) error {
	if err := p.Signal(os.Interrupt); err == nil {
		return nil
	}
	return p.Kill()
}

// complaint is the end of what the go command wrote, without its progress.
func complaint(texts ...string) string {
	const most = 4000
	var kept strings.Builder
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "go: downloading ") {
				kept.WriteString(line)
			}
		}
	}
	text := strings.TrimSpace(kept.String())
	return text[max(0, len(text)-most):]
}
