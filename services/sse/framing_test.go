package sse_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// TestFramingOfLargeEvents: events above MaxWriteBytes go out whole, and
// nothing else shares their bound.
func TestFramingOfLargeEvents(t *testing.T) {
	const limit = 4 << 10
	for name, topics := range map[string][]string{"one topic": {"a"}, "two topics": {"a", "b"}} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, options{handler: &sse.Handler{MaxWriteBytes: limit}})
			for _, size := range []int{10, 3000, limit - 100, limit, limit + 1, 256 << 10, 10, 10, 70000, 1} {
				for _, topic := range topics {
					f.publish(topic, strings.Repeat("x", size))
				}
			}
			w := f.get(t, "topic="+strings.Join(topics, "&topic="), "Last-Event-ID: 0")
			tr := newTrack(f.ledger, w.next(), topics...)
			for range 10 * len(topics) {
				before := len(w.chunks)
				m := w.next()
				tr.event(m)
				if len(w.chunks) > before && w.chunks[before] > limit+200 && w.chunks[before] < len(m.Data) {
					t.Errorf("a chunk of %d bytes around an event of %d", w.chunks[before], len(m.Data))
				}
			}
			for i, size := range w.chunks {
				if size > 256<<10+200 {
					t.Errorf("chunk %d: %d bytes", i, size)
				}
			}
		})
	}
}

// TestFramingKeepsToTheLargestWrite: also where many small events get long
// ids of their own.
func TestFramingKeepsToTheLargestWrite(t *testing.T) {
	const limit = 16 << 10
	f := serve(t, options{handler: &sse.Handler{MaxWriteBytes: limit}})
	var topics []string
	for i := range 16 {
		topics = append(topics, strings.Repeat("t", 100)+string(rune('a'+i)))
		f.publishN(topics[i], 50, 1)
	}
	w := f.get(t, "topic="+strings.Join(topics, "&topic="), "Last-Event-ID: 0")
	tr := newTrack(f.ledger, w.next(), topics...)
	for range 16 * 50 {
		tr.event(w.next())
	}
	for i, size := range w.chunks[1:] {
		if size > limit {
			t.Errorf("chunk %d: %d bytes, the largest write is %d", i, size, limit)
		}
	}
}

// TestFramingOfLineFeeds: the event that grows most when it is encoded.
func TestFramingOfLineFeeds(t *testing.T) {
	f := serve(t, options{})
	data := bytes.Repeat([]byte{'\n'}, 256<<10)
	w, both := f.get(t, "topic=a"), f.get(t, "topic=a&topic=b")
	w.next()
	both.next()
	receipt, err := f.log.Append(context.Background(), "a", eventlog.Entry{Record: eventlog.Record{Data: data}})
	id := receipt.ID
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*http1{w, both} {
		if m := w.next(); m.Data != string(data) || !strings.Contains(m.ID, id.String()) {
			t.Errorf("%d bytes of data with id %q", len(m.Data), m.ID)
		}
	}
}

// TestFramingUnderStalls: a reader of a byte at a time, with next to no
// receive buffer, gets correct chunks however its writes are cut.
func TestFramingUnderStalls(t *testing.T) {
	for name, topics := range map[string][]string{"one topic": {"a"}, "two topics": {"a", "b"}} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, options{handler: &sse.Handler{WriteTimeout: patience, MaxWriteBytes: 64 << 10}, listener: smallBuffers})
			w := f.dial(t, 0)
			w.request("GET", "/v1/events?topic="+strings.Join(topics, "&topic="))
			w.Decoder = wire.NewDecoder(oneByte{bodyOf{w}})
			w.head200()
			tr := newTrack(f.ledger, w.next(), topics...)
			const n = 40
			for range n {
				for _, topic := range topics {
					f.publish(topic, strings.Repeat("x", 30<<10))
				}
			}
			await(t, "a stall", func() bool { return f.h.Stats().Stalls > 0 })
			for range n * len(topics) {
				tr.event(w.next())
			}
		})
	}
}

type oneByte struct{ r io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), 1)]) }
