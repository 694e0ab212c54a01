package sse_test

import (
	"reflect"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// recordedClients records what a handler reports of named clients.
type recordedClients struct {
	mu      sync.Mutex
	known   map[string]map[string]eventlog.ID
	started []sse.ClientStart
	ended   []map[string]eventlog.ID
	acked   []acknowledged
}

type acknowledged struct {
	client   string
	at, sent map[string]eventlog.ID
}

func (c *recordedClients) Acknowledged(client string) map[string]eventlog.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[client]
}

func (c *recordedClients) Started(_ string, at []sse.ClientStart) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = at
}

func (c *recordedClients) Acknowledge(client string, at, sent map[string]eventlog.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked = append(c.acked, acknowledged{client, at, sent})
}

func (c *recordedClients) Ended(_ string, sent map[string]eventlog.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, sent)
}

// TestNamedClients: a named client goes on where it had acknowledged, unless
// it says itself where; how its stream begins and ends is reported.
func TestNamedClients(t *testing.T) {
	clients := &recordedClients{known: map[string]map[string]eventlog.ID{}}
	f := serve(t, options{handler: &sse.Handler{Clients: clients}})
	a, b := f.publishN("a", 4, 1), f.publishN("b", 4, 1)
	clients.known["me"] = map[string]eventlog.ID{"a": a[1], "c": a[0]}
	head := map[string]eventlog.ID{"a": a[3], "b": b[3]}
	for i, row := range []struct {
		query, header string
		at            map[string]eventlog.ID // where the stream begins
		presented     map[string]eventlog.ID
	}{
		{"topic=a&client_id=me", "", map[string]eventlog.ID{"a": a[1]}, nil},
		{"topic=a&topic=b&client_id=me", "", map[string]eventlog.ID{"a": a[1], "b": b[3]}, nil},
		{"topic=a&client_id=other", "", map[string]eventlog.ID{"a": a[3]}, nil},
		{"topic=a&client_id=me&last_event_id=" + a[2].String(), "", map[string]eventlog.ID{"a": a[2]}, map[string]eventlog.ID{"a": a[2]}},
		{"topic=a&client_id=me&last_event_id=" + a[2].String(), a[0].String(), map[string]eventlog.ID{"a": a[0]}, map[string]eventlog.ID{"a": a[0]}},
		{"topic=a&topic=b&client_id=me", "b@" + b[1].String(), map[string]eventlog.ID{"a": a[3], "b": b[1]}, map[string]eventlog.ID{"b": b[1]}},
		{"topic=a&client_id=me&last_event_id=$", "", map[string]eventlog.ID{"a": a[3]}, nil},
	} {
		c := f.follow(t, row.query, row.header)
		opened := c.next()
		for _, o := range expectOpen(t, opened).Topics {
			if o.After != row.at[o.Topic].String() {
				t.Errorf("%s: topic %s begins after %s, want %v", row.query, o.Topic, o.After, row.at[o.Topic])
			}
		}
		f.observer.wait(t, "the start", func() bool { return len(f.observer.connected) == i+1 })
		clients.mu.Lock()
		for _, s := range clients.started {
			presented, is := row.presented[s.Topic]
			if s.At != row.at[s.Topic] || s.Head != head[s.Topic] || (s.Presented != nil) != is || is && *s.Presented != presented {
				t.Errorf("%s: reported %+v", row.query, s)
			}
		}
		clients.mu.Unlock()
		for range missing(row.at, head, f) {
			c.next()
		}
		c.hangUp()
		await(t, "the end", func() bool {
			clients.mu.Lock()
			defer clients.mu.Unlock()
			return len(clients.ended) == i+1
		})
		want := map[string]eventlog.ID{}
		for topic := range row.at {
			want[topic] = head[topic]
		}
		if got := clients.ended[i]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: ended at %v, want %v", row.query, got, want)
		}
	}
	f.observer.wait(t, "the stream to be reported", func() bool { return len(f.observer.connected) > 0 })
	if n := f.observer.connected[0].Client; n != "me" {
		t.Errorf("reported as %q", n)
	}
}

// missing counts the events between two positions.
func missing(at, head map[string]eventlog.ID, f *fixture) (n int) {
	for topic, id := range at {
		n += len(f.after(topic, id)) - len(f.after(topic, head[topic]))
	}
	return n
}
