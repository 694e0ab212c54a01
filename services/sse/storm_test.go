package sse_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestDescriptorReuse: sockets that open and close while their descriptors'
// earlier owners are being delivered to never see what is another's.
func TestDescriptorReuse(t *testing.T) {
	f := serve(t, options{})
	const topics = 8
	stop := make(chan struct{})
	var publishing, reading sync.WaitGroup
	for k := range 2 {
		publishing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					f.publish(fmt.Sprintf("t%d", (i+k*topics/2)%topics), strings.Repeat("x", i%3000))
				}
			}
		})
	}
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	type visit struct {
		topic string
		from  eventlog.ID
		seen  []entry
	}
	visits := make(chan visit, 2*topics*rounds)
	for k := range 2 * topics {
		reading.Go(func() {
			topic := fmt.Sprintf("t%d", k%topics)
			for i := range rounds {
				w := f.get(t, "topic="+topic)
				tr := newTrack(f.ledger, w.next(), topic)
				tr.exact = false // the ledger learns of an event after its readers do
				from := tr.at[0]
				for range i % 5 {
					tr.event(w.next())
				}
				if i%2 == 0 {
					w.reset()
				} else {
					w.conn.Close()
				}
				visits <- visit{topic, from, tr.seen[0]}
			}
		})
	}
	reading.Wait()
	close(stop)
	publishing.Wait()
	close(visits)
	for v := range visits {
		if due := f.after(v.topic, v.from)[:len(v.seen)]; !slices.Equal(v.seen, due) {
			t.Errorf("%s after %v: got %.300v, due was %.300v", v.topic, v.from, v.seen, due)
		}
	}
}
