package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// "tail -f app.log | hub publish logs", three processes and a file that
// grows, while the hub is killed twice: every line arrives, in order. A line
// whose answer was lost may arrive twice, one for each time that the hub was
// killed.
func TestTailThroughKills(t *testing.T) {
	t.Parallel()
	tailPath, err := exec.LookPath("tail")
	if err != nil {
		t.Skip("no tail on the PATH")
	}
	const total, kills = 1500, 2
	line := func(i int) string { return fmt.Sprintf("line %d %s", i, strings.Repeat("x", i%300)) }
	hub := newHubProcess(t, "--store", "disk", "--data", t.TempDir())
	name := filepath.Join(t.TempDir(), "app.log")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	tail := exec.CommandContext(t.Context(), tailPath, "-n", "+1", "-f", name)
	tail.Stdout = out
	report := &reports{more: make(chan struct{}, 1)}
	publish := exec.CommandContext(t.Context(), os.Args[0], "publish", "logs", "--url", hub.url(""))
	publish.Env = append(os.Environ(), "HUB_TEST_BE_HUB=1")
	publish.Stdin, publish.Stderr = in, report
	for _, p := range []*exec.Cmd{tail, publish} {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
	in.Close()
	out.Close()

	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range total {
			fmt.Fprintln(file, line(i))
			time.Sleep(time.Millisecond) // as an application logs
		}
	})
	for range kills {
		await(t, "lines arrive", func() bool { return hub.metric(`sse_publishes_total{outcome="accepted"}`) >= 200 })
		hub.kill()
		report.await(t, "trying again")
		hub.start()
	}

	watch := &runningHub{t: t, public: hub.url("")}
	s := watch.subscribe("topic=logs", "0")
	repeated := 0
	for i := 0; i < total; {
		m, err := s.Next()
		switch {
		case err != nil:
			t.Fatalf("line %d: %v: %s", i, err, report)
		case m.Data == line(i):
			i++
		case i > 0 && m.Data == line(i-1):
			repeated++
		default:
			t.Fatalf("after line %d came %.40q", i-1, m.Data)
		}
	}
	if repeated > kills {
		t.Errorf("%d lines arrived twice", repeated)
	}
	writing.Wait()
	tail.Process.Kill()
	tail.Wait() // it was killed
	if err := publish.Wait(); err != nil {
		t.Errorf("hub publish ended with %v: %s", err, report)
	}
	report.await(t, fmt.Sprintf("%d lines published to logs", total))
	t.Logf("%d of %d lines arrived twice", repeated, total)
}
