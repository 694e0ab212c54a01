package pebblelog

import (
	"bufio"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

var kills = flag.Int("kills", 8, "times that a publisher is killed")

// childDir in the environment makes the test binary a publisher, or what
// childFails says.
const childDir = "PEBBLELOG_TEST_PUBLISH_TO"

// publishAsChild publishes until it is killed, and prints what was
// acknowledged.
func publishAsChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	s, err := Open(dir, Options{Memory: leastMemory, Retention: eventlog.Retention{Events: 5000}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	log, _ := eventlog.Open(s, eventlog.Options{MemoryBudget: 1 << 20})
	for n := range killPublishers {
		go func() {
			topic := killTopic(n)
			for i := 0; ; i++ {
				body := killBody(os.Getpid(), n, i)
				receipt, err := log.Append(context.Background(), topic, killEntry(n, body))
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				fmt.Printf("%s %v %s\n", topic, receipt.ID, body)
			}
		}()
	}
	select {}
}

const killPublishers = 8

func killTopic(n int) string { return fmt.Sprintf("topic-%d", n%3) }

func killBody(pid, n, i int) string {
	return fmt.Sprintf("%d-%d-%d-%s", pid, n, i, strings.Repeat("x", i%700))
}

// killEntry is an event of publisher n; every fourth has no idempotency key.
func killEntry(n int, body string) eventlog.Entry {
	e := eventlog.TextEntry("", body)
	if n%4 != 3 {
		sum := sha256.Sum256(e.Data)
		e.Idempotency = &eventlog.Idempotency{Key: [16]byte(sum[:]), Fingerprint: [16]byte(sum[16:])}
	}
	return e
}

// TestKill kills a publisher at random moments: everything that it saw
// acknowledged is there, once and in order, and tried again it is a duplicate.
// What it was about is tried again too, and then is there once.
func TestKill(t *testing.T) {
	rounds := *kills
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	acknowledged := map[string]map[eventlog.ID]string{}
	for range rounds {
		pid := publishAndKill(t, dir, acknowledged)
		s, log := open(t, dir, Options{OnDamage: sound(t)})
		retried := retry(t, log, pid, acknowledged)
		for topic, want := range acknowledged {
			checkAcknowledged(t, s, topic, want, retried)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	n := 0
	for _, events := range acknowledged {
		n += len(events)
	}
	t.Logf("%d events were acknowledged, %d times the publisher was killed", n, rounds)
}

func publishAndKill(t *testing.T, dir string, acknowledged map[string]map[eventlog.ID]string) (pid int) {
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
		id, err := wire.ParseID(f[1])
		if err != nil { // cut off by the end of the process
			break
		}
		if acknowledged[f[0]] == nil {
			acknowledged[f[0]] = map[eventlog.ID]string{}
		}
		acknowledged[f[0]][id] = f[2]
	}
	return child.Process.Pid
}

// retry appends again what the last run had acknowledged with a key, and what
// comes after it of each publisher that was killed. It returns those.
func retry(t *testing.T, log *eventlog.Log, pid int, acknowledged map[string]map[eventlog.ID]string) map[string]bool {
	t.Helper()
	next := [killPublishers]int{}
	for topic, events := range acknowledged {
		for id, body := range events {
			var by, n, i int
			fmt.Sscanf(body, "%d-%d-%d-", &by, &n, &i)
			e := killEntry(n, body)
			if by != pid {
				continue
			}
			next[n] = max(next[n], i+1)
			if e.Idempotency == nil {
				continue
			}
			if r, err := log.Append(context.Background(), topic, e); err != nil || r != (eventlog.Receipt{ID: id, Duplicate: true}) {
				t.Fatalf("%s: appended again, %v is %+v, %v", topic, id, r, err)
			}
		}
	}
	retried := map[string]bool{}
	for n, i := range next {
		body := killBody(pid, n, i)
		e := killEntry(n, body)
		if e.Idempotency == nil {
			continue
		}
		r, err := log.Append(context.Background(), killTopic(n), e)
		if err != nil {
			t.Fatal(err)
		}
		if acknowledged[killTopic(n)] == nil {
			acknowledged[killTopic(n)] = map[eventlog.ID]string{}
		}
		acknowledged[killTopic(n)][r.ID], retried[body] = body, true
	}
	return retried
}

func checkAcknowledged(t *testing.T, s *Store, topic string, want map[eventlog.ID]string, retried map[string]bool) {
	t.Helper()
	known, _ := s.known(topic)
	found, times, order := 0, map[string]int{}, map[string][]int{}
	err := s.Read(context.Background(), topic, known.Trimmed, wire.MaxID, func(e eventlog.Event) bool {
		got := string(e.Data)
		if times[got]++; times[got] > 1 {
			t.Errorf("%s: %v has the body of another, tried again: %v", topic, e.ID, retried[got])
		}
		if body, ok := want[e.ID]; ok {
			if found++; body != got {
				t.Errorf("%s: %v has another body than was acknowledged", topic, e.ID)
			}
		}
		var by, n, i int
		fmt.Sscanf(got, "%d-%d-%d-", &by, &n, &i)
		publisher := fmt.Sprint(by, n)
		order[publisher] = append(order[publisher], i)
		return true
	})
	if err != nil {
		t.Errorf("%s: %v", topic, err)
	}
	for publisher, numbers := range order {
		if !slices.IsSorted(numbers) {
			t.Errorf("%s: the events of %s are out of order", topic, publisher)
		}
	}
	for id := range want {
		if !known.Trimmed.Less(id) {
			found++
		}
	}
	if found != len(want) {
		t.Errorf("%s: %d of %d acknowledged events are there", topic, found, len(want))
	}
}
