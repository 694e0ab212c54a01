package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// torture is one run of TestTorture.
type torture struct {
	t      *testing.T
	hub    *hubProcess
	ledger *ledger
	topics []string
	ctx    context.Context // ends when the test has had enough
	stop   context.CancelFunc
	rest   time.Duration // the longest wait between two connections

	life   atomic.Int64 // odd while the hub is up, even from before its end until it is back
	quiet  atomic.Bool  // subscribers cut no more connections
	ends   [cuts]atomic.Int64
	count  atomic.Int64 // publishes answered 201
	lost   atomic.Int64 // publishes whose answer was lost
	letGo  atomic.Int64 // connections that the hub cut
	pinned int64        // streams that it ended for the memory that they held, by its logs
	failed atomic.Int64
}

// Thousands of connections, on one topic and on several, cut at random
// moments and resuming from whatever id they saw last, while the hub is
// killed and started again: every event that was answered 201 reaches every
// subscriber once, each topic in order.
//
// SLUICE_TORTURE sets the number of subscribers, SLUICE_TORTURE_SEED repeats
// the choices of an earlier run.
func TestTorture(t *testing.T) {
	subscribers := 2000
	if underRace {
		subscribers = 300
	}
	seed := rand.Uint64()
	if n, err := strconv.Atoi(os.Getenv("SLUICE_TORTURE")); err == nil {
		subscribers = n
	}
	if n, err := strconv.ParseUint(os.Getenv("SLUICE_TORTURE_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SLUICE_TORTURE=%d SLUICE_TORTURE_SEED=%d", subscribers, seed)

	o := &torture{t: t, topics: []string{"orders", "payments", "stock", "a.b-c_d", "Z", strings.Repeat("long", 32)}, rest: 300 * time.Millisecond}
	o.ctx, o.stop = context.WithTimeout(t.Context(), 4*time.Minute)
	o.ledger = newLedger(o.topics)
	o.hub = newHubProcess(t, "--store", "disk", "--data", t.TempDir(),
		"--max-event-bytes", "64KiB", "--memory-budget", "4MiB", "--drain-timeout", "3s", "--heartbeat-interval", "100ms")
	o.life.Store(1)

	crowd := o.crowd(subscribers, seed)
	var reading, publishing sync.WaitGroup
	defer reading.Wait()
	defer o.stop()
	for _, s := range crowd {
		reading.Go(s.run)
	}
	done := make(chan struct{})
	for i := range 8 {
		publishing.Go(func() { o.publish(i, rand.New(rand.NewPCG(seed, 1<<32+uint64(i))), done) })
	}
	o.kill(rand.New(rand.NewPCG(seed, 1<<33)))
	close(done)
	publishing.Wait()
	o.last()
	o.quiet.Store(true)
	reading.Wait()
	o.hub.kill()
	o.countPinned()
	if n := o.letGo.Load(); n > o.pinned {
		o.fail("%d subscribers lost their connections, the hub ended %d for their memory", n, o.pinned)
	}
	o.check(crowd)
	t.Logf("%d events answered 201, %d answers lost; connections by their end: %v, %d for memory", o.count.Load(), o.lost.Load(), o.ended(), o.pinned)
}

// crowd makes the subscribers: a third of them on several topics, a fifth
// that never cut, a twentieth slow.
func (o *torture) crowd(n int, seed uint64) []*subscriber {
	crowd := make([]*subscriber, n)
	for i := range crowd {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		topics := []string{o.topics[random.IntN(len(o.topics))]}
		if i%3 == 0 {
			topics = nil
			for _, k := range random.Perm(len(o.topics))[:2+random.IntN(3)] {
				topics = append(topics, o.topics[k])
			}
		}
		crowd[i] = &subscriber{
			tortured: o, number: i, topics: topics, random: random,
			restless: random.IntN(5) > 0, slow: random.IntN(20) == 0,
			got: make([][]*string, len(topics)), ended: make([]bool, len(topics)),
		}
	}
	return crowd
}

// kill ends the hub again and again, each time after another number of
// publishes, and has it back.
func (o *torture) kill(random *rand.Rand) {
	const rounds = 5
	for round := range rounds {
		publishes := int64(random.IntN(300))
		switch round {
		case 0:
			publishes += 200 // something to be resumed from
		case 1:
			publishes = 0 // killed again at once, with everybody coming back
		}
		if !o.await(publishes) {
			return
		}
		time.Sleep(time.Duration(random.IntN(10_000)) * time.Microsecond) // nobody's convenience
		o.life.Add(1)
		if round == 2 && runtime.GOOS != "windows" { // one end in good order
			o.hub.cmd.Process.Signal(syscall.SIGTERM)
			o.hub.ended()
		} else {
			o.hub.kill()
		}
		o.countPinned()
		if round == rounds-1 { // a heartbeat would hide that a stream was forgotten
			o.hub.settings = append(o.hub.settings, "--heartbeat-interval", "0")
		}
		o.hub.start()
		o.life.Add(1)
	}
	o.await(200)
}

// countPinned takes from the logs of a hub that has ended how many streams it
// ended for the memory that they held: with so little of it, and so many who
// read slowly, it must.
func (o *torture) countPinned() {
	for _, l := range o.hub.out.all() {
		if l["reason"] == "memory" {
			o.pinned++
		}
	}
}

// await waits for so many more publishes to be answered.
func (o *torture) await(publishes int64) bool {
	for until := o.count.Load() + publishes; o.count.Load() < until; {
		select {
		case <-time.After(time.Millisecond):
		case <-o.ctx.Done():
			o.t.Errorf("the publishers got nowhere")
			return false
		}
	}
	return true
}

// down reports whether the hub may have been away since a moment of the given
// life.
func (o *torture) down(life int64) bool { return life%2 == 0 || o.life.Load() != life }

// fail reports an error, and ends the test where there are too many.
func (o *torture) fail(format string, args ...any) {
	if n := o.failed.Add(1); n < 20 {
		o.t.Errorf(format, args...)
	} else {
		o.stop()
	}
}

// payload says where an event comes from.
type payload struct {
	topic              string
	publisher, counter int
}

// lastPublisher publishes one event to each topic when all others are done.
const lastPublisher = 1000

// text is unique, mostly short, now and then longer than a packet, with lines
// of its own.
func (p payload) text(random *rand.Rand) string {
	size := random.IntN(1500)
	if random.IntN(50) == 0 {
		size = random.IntN(30_000)
	}
	return fmt.Sprintf("%s %d %d\n%s\n%s", p.topic, p.publisher, p.counter, strings.Repeat("é", size/4), strings.Repeat("x", size/2))
}

func parsePayload(s string) (p payload, err error) {
	_, err = fmt.Sscanf(s, "%s %d %d\n", &p.topic, &p.publisher, &p.counter)
	return p, err
}

// publish publishes to random topics and keeps account of the answers.
func (o *torture) publish(number int, random *rand.Rand, done <-chan struct{}) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for counter := 0; ; counter++ {
		select {
		case <-done:
			return
		case <-o.ctx.Done():
			return
		case <-time.After(time.Duration(random.IntN(20)) * time.Millisecond):
		}
		p := payload{o.topics[random.IntN(len(o.topics))], number, counter}
		life := o.life.Load()
		text := p.text(random)
		id, err := publishOnce(client, o.hub.url("/v1/topics/"+p.topic+"/events"), text)
		if err := o.ledger.published(p.topic, text, id, err); err != nil {
			o.fail("%v", err)
		}
		switch {
		case err == nil:
			o.count.Add(1)
		case o.down(life):
			o.lost.Add(1)
		default:
			o.fail("publish failed while the hub was up: %v", err)
		}
	}
}

// last publishes the last event of each topic.
func (o *torture) last() {
	for _, topic := range o.topics {
		text := payload{topic, lastPublisher, 0}.text(rand.New(rand.NewPCG(0, 0)))
		id, err := publishOnce(http.DefaultClient, o.hub.url("/v1/topics/"+topic+"/events"), text)
		if err != nil {
			o.fail("the last publish failed: %v", err)
		}
		o.ledger.published(topic, text, id, err)
	}
}

// publishOnce publishes without trying again.
func publishOnce(client *http.Client, url, text string) (eventlog.ID, error) {
	answer, err := client.Post(url, "text/plain", strings.NewReader(text))
	if err != nil {
		return eventlog.ID{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return eventlog.ID{}, err
	}
	var accepted struct{ ID string }
	if answer.StatusCode != http.StatusCreated || json.Unmarshal(body, &accepted) != nil {
		return eventlog.ID{}, errors.New(answer.Status + " " + string(body))
	}
	return wire.ParseID(accepted.ID)
}

// check compares what every subscriber has with what there must be.
func (o *torture) check(crowd []*subscriber) {
	want := map[string][]*string{}
	for _, topic := range o.topics {
		events, errs := o.ledger.events(topic)
		for _, err := range errs {
			o.fail("%v", err)
		}
		want[topic] = events
	}
	for _, s := range crowd {
		if !s.finished.Load() {
			o.fail("subscriber %d of %v is stuck at %s", s.number, s.topics, s.position)
			continue
		}
		for i, topic := range s.topics {
			if err := same(s.got[i], want[topic]); err != nil {
				o.fail("subscriber %d, %s: %v", s.number, topic, err)
			}
		}
	}
}

func same(got, want []*string) error {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("event %d is %.60q, want %.60q", i, *got[i], *want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("got %d events, want %d", len(got), len(want))
	}
	return nil
}

// ended returns how often connections ended in which way.
func (o *torture) ended() (ends [cuts]int64) {
	for how := range ends {
		ends[how] = o.ends[how].Load()
	}
	return ends
}
