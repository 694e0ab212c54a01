package stacktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// needEngine skips a test that was not asked for, or has no engine.
func needEngine(t *testing.T) {
	t.Helper()
	if os.Getenv("SLUICE_STACK") != "1" {
		t.Skip("takes minutes and a Docker engine: SLUICE_STACK=1 runs it")
	}
	const advice = "; .ci/docker installs and starts what is missing on Debian"
	if _, err := exec.LookPath("docker"); err != nil {
		needs.Missing(t, err.Error()+advice)
	}
	if _, err := docker(t.Context(), nil, "version"); err != nil {
		needs.Missing(t, "no Docker engine: "+err.Error()+advice)
	}
	if _, err := docker(t.Context(), nil, "compose", "version"); err != nil {
		needs.Missing(t, "no Compose: "+err.Error()+advice)
	}
}

// docker runs a command of the client and returns what it wrote.
func docker(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	return run(ctx, os.Environ(), stdin, args...)
}

func run(ctx context.Context, environment []string, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment, stdin, &stdout, &stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(err, ctx.Err())
		}
		text := stdout.String() + stderr.String()
		return stdout.String(), fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, text[max(0, len(text)-6000):])
	}
	return stdout.String(), nil
}

// must returns what a command wrote, which has to work.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := docker(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// eventually tries until it is so.
func eventually(t *testing.T, within time.Duration, what string, so func() error) {
	t.Helper()
	var err error
	for late := time.Now().Add(within); ; time.Sleep(200 * time.Millisecond) {
		if err = so(); err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("not within %v: %s: %v", within, what, err)
		}
	}
}
