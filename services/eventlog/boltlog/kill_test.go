package boltlog

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// childDir in the environment makes the test binary a publisher.
const childDir = "BOLTLOG_TEST_PUBLISH_TO"

// publishAsChild publishes until it is killed, and prints what was
// acknowledged.
func publishAsChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	s, err := Open(dir, Options{Retention: eventlog.Retention{Events: 5000}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	log, _ := eventlog.Open(s, eventlog.Options{MemoryBudget: 1 << 20})
	for n := range 8 {
		go func() {
			topic := fmt.Sprintf("topic-%d", n%3)
			for i := 0; ; i++ {
				body := fmt.Sprintf("%d-%d-%d-%s", os.Getpid(), n, i, strings.Repeat("x", i%700))
				id, err := log.Append(context.Background(), topic, eventlog.Entry{Body: []byte(body)})
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				fmt.Printf("%s %v %s\n", topic, id, body)
			}
		}()
	}
	select {}
}

// TestKill kills a publisher at random moments: everything that it saw
// acknowledged is there.
func TestKill(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	acknowledged := map[string]map[eventlog.ID]string{}
	for range rounds {
		publishAndKill(t, dir, acknowledged)
		s, err := Open(dir, Options{OnDamage: func(topic string, err error) { t.Error(topic, err) }})
		if err != nil {
			t.Fatal(err)
		}
		log, err := eventlog.Open(s, eventlog.Options{MemoryBudget: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for topic, want := range acknowledged {
			checkAcknowledged(t, s, topic, want)
		}
		log.Close()
	}
}

func publishAndKill(t *testing.T, dir string, acknowledged map[string]map[eventlog.ID]string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	lines := bufio.NewScanner(out)
	timer := time.AfterFunc(time.Minute, func() { child.Process.Kill() })
	defer timer.Stop()
	for n := 0; lines.Scan(); n++ {
		if n == 0 { // it is at work
			time.AfterFunc(time.Duration(20+rand.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
		}
		f := strings.Split(lines.Text(), " ")
		if len(f) != 3 {
			t.Fatalf("the publisher says: %s", lines.Text())
		}
		id, err := eventlog.ParseID(f[1])
		if err != nil { // cut off by the end of the process
			break
		}
		if acknowledged[f[0]] == nil {
			acknowledged[f[0]] = map[eventlog.ID]string{}
		}
		acknowledged[f[0]][id] = f[2]
	}
}

func checkAcknowledged(t *testing.T, s *Store, topic string, want map[eventlog.ID]string) {
	t.Helper()
	trimmed := s.topic(topic).Trimmed
	found := 0
	err := s.Read(context.Background(), topic, trimmed, eventlog.MaxID, func(e eventlog.Event) bool {
		if body, ok := want[e.ID]; ok {
			if found++; body != string(e.Body) {
				t.Errorf("%s: %v has another body than was acknowledged", topic, e.ID)
			}
		}
		return true
	})
	if err != nil {
		t.Errorf("%s: %v", topic, err)
	}
	for id := range want {
		if !trimmed.Less(id) {
			found++
		}
	}
	if found != len(want) {
		t.Errorf("%s: %d of %d acknowledged events are there", topic, found, len(want))
	}
}
