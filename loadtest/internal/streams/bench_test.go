package streams

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/mark"
)

// BenchmarkTake is what an event costs its reader when many come at once.
func BenchmarkTake(b *testing.B) {
	const events, lanes = 1000, 16
	o := &Options{Run: 1, Topics: []string{"t"}, Lanes: lanes, Late: time.Hour}
	var body []byte
	for i := range uint32(events) {
		body = append(body, "data: "...)
		body = mark.Append(body, mark.Mark{Run: 1, Lane: i % lanes, Seq: 1 + i/lanes, At: time.Now().UnixNano()}, 128)
		body = fmt.Appendf(body, "\nid: 1763820000001-%d\n\n", i)
	}
	body = append(fmt.Appendf(nil, "%x\r\n", len(body)), append(body, "\r\n"...)...)
	e := ear{o: o, sink: newSink(), now: time.Now().UnixNano()}
	s := &stream{topics: []int{0}, asked: e.now}
	e.s = s
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		s.had = []account.Topic{account.NewTopic(lanes)}
		s.reply = reply{stage: inSize, chunked: true}
		if err := s.reply.take(body, &e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
	if e.sink.Delivered != uint64(b.N)*events || e.sink.Disorder+e.sink.Doubled > 0 {
		b.Fatalf("%+v", e.sink.Counts)
	}
}
