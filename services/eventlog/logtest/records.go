package logtest

import (
	"context"
	"reflect"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// testRecords has a store keep what the wire can't carry.
func testRecords(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	records := []eventlog.Record{
		{},
		{Type: "order.created", Key: "17", Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Data: []byte(`{"order":17}`)},
		{Data: []byte("a\r\nb\rc\n")},
		{Content: eventlog.Bytes, Key: "18", Data: []byte{0xff, 0, '\n', '\r'}},
		{Kind: eventlog.KindTombstone, Key: "17"},
		{Kind: eventlog.KindSettings, Data: []byte("settings")},
		{Kind: 200, Content: 200, Type: "of a later release", Data: []byte("?")},
		{Kind: eventlog.KindEnd, Data: []byte("done")},
	}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	entries := make([]eventlog.Entry, len(records))
	for i, r := range records {
		entries[i].Record = r
	}
	p.appendAll(t, "records", entries)
	p.check(t)
	shut(t, p.log)
	s := o.Open(t, c)
	p.log = openStore(t, s)
	p.check(t)
	i := 0
	err := s.Read(context.Background(), "records", eventlog.ID{}, wire.MaxID, func(e eventlog.Event) bool {
		if len(e.Data) == 0 {
			e.Data = records[i].Data
		}
		if !reflect.DeepEqual(e.Record, records[i]) || e.ID != p.at("records", i) {
			t.Errorf("record %d is %+v, was given %+v", i, e, records[i])
		}
		i++
		return true
	})
	if err != nil || i != len(records) {
		t.Errorf("%d of %d records are read: %v", i, len(records), err)
	}
}

// openStore opens a log over a store, for the length of the test.
func openStore(t *testing.T, s eventlog.Store) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(s, eventlog.Options{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { shut(t, log) })
	return log
}

// testOneStep has a reader look while batches are appended: it finds all of
// one or nothing.
func testOneStep(t *testing.T, o Options) {
	const batches, events = 60, 7
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	topic := p.log.Follow("topic")
	defer p.log.Leave(topic)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range batches {
			entries := make([]eventlog.Entry, events)
			for i := range entries {
				entries[i] = entry(0, "%d/%d", n, i)
			}
			p.appendAll(t, "topic", entries)
		}
	}()
	for seen := int64(0); seen < batches*events; {
		s, _ := topic.State()
		if seen = s.Events; seen%events != 0 {
			t.Errorf("%d events are there, of batches of %d", seen, events)
			break
		}
		select {
		case <-done:
			if s, _ := topic.State(); s.Events != batches*events {
				t.Fatalf("%d events are there at the end", s.Events)
			}
		default:
		}
	}
	<-done
	p.check(t)
}
