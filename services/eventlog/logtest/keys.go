package logtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// testKeyAge has keys reach their age, after their events were taken.
func testKeyAge(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir(), Keys: eventlog.KeyOptions{Age: time.Hour}, Retention: eventlog.Retention{Age: time.Minute}}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	first := p.keyed(t, "topic", "a")
	time.Sleep(30 * time.Minute)
	second := p.keyed(t, "topic", "b")
	time.Sleep(30*time.Minute - time.Second)
	if s := p.state("topic"); s.Trimmed != second {
		t.Errorf("retention left the state %+v", s)
	}
	if o.Durable {
		shut(t, p.log)
		p.log = o.open(t, c, eventlog.Options{})
	}
	p.repeat(t, "topic", "a", first)
	p.repeat(t, "topic", "b", second)
	time.Sleep(time.Second + time.Millisecond)
	again := p.keyed(t, "topic", "a")
	time.Sleep(2 * time.Second)
	if s := p.log.Keys(); s != (eventlog.KeyStats{Remembered: 2}) {
		t.Errorf("remembered: %+v, want 2 keys", s)
	}
	p.repeat(t, "topic", "a", again)
	p.repeat(t, "topic", "b", second)
	time.Sleep(2 * time.Hour)
	if s := p.log.Keys(); s != (eventlog.KeyStats{}) {
		t.Errorf("remembered at the end: %+v", s)
	}
	p.keyed(t, "topic", "b")
	p.check(t)
}

// testKeyLimit uses more keys than are remembered.
func testKeyLimit(t *testing.T, o Options) {
	const most, used = 100, 250
	c := Config{Dir: t.TempDir(), Keys: eventlog.KeyOptions{Most: most}}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	key := func(i int) (topic, key string) { return fmt.Sprintf("topic-%d", i%3), fmt.Sprint(i) }
	ids := make([]eventlog.ID, used)
	publish := func(i int) {
		topic, k := key(i)
		ids[i] = p.keyed(t, topic, k)
	}
	for i := range used {
		publish(i)
	}
	if s := p.log.Keys(); s != (eventlog.KeyStats{Remembered: most, Forgotten: used - most}) {
		t.Errorf("remembered: %+v, want %d, and %d forgotten", s, most, used-most)
	}
	for range 2 {
		for i := used - most; i < used; i++ {
			topic, k := key(i)
			p.repeat(t, topic, k, ids[i])
		}
		if o.Durable { // what was forgotten does not come back
			shut(t, p.log)
			p.log = o.open(t, c, eventlog.Options{})
		}
	}
	for i := range used - most { // what was forgotten commits again
		publish(i)
	}
	p.check(t)
}
