package sse_test

import (
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestGapsAndPagesByDriver: reads below the hot tail, damage, and what comes
// live behind it, however the stream is written.
func TestGapsAndPagesByDriver(t *testing.T) {
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			store := newDeep()
			o.store, o.budget = store, 2<<20
			f := serve(t, o)
			ids := f.publishN("a", 3000, 1<<10)
			f.publishN("b", 300, 1<<10)
			store.damage("a", ids[0], ids[700], ids[701])
			var readers sync.WaitGroup
			for i := range 6 {
				topics := []string{"a", "b"}[:1+i%2]
				query := []string{"topic=a", "topic=a&topic=b"}[i%2]
				c := f.follow(t, query, "0")
				tr := newTrack(f.ledger, c.next(), topics...)
				readers.Go(func() {
					gaps := 0
					for behind := true; behind; {
						m, err := c.Next()
						if err != nil {
							t.Errorf("after %s: %v", tr.last, err)
							return
						}
						if m.Type == "stream.gap" {
							if g := tr.gap(m); g.Reason != eventlog.Damaged {
								t.Errorf("%+v", g)
							}
							gaps++
						} else {
							tr.event(m)
						}
						behind = false
						for k, topic := range topics {
							behind = behind || len(f.after(topic, tr.at[k])) > 0
						}
					}
					if gaps != 2 {
						t.Errorf("%d gaps were told", gaps)
					}
				})
			}
			f.publishN("a", 50, 1<<10)
			readers.Wait()
			if st := f.h.Stats(); st.Fetches == 0 {
				t.Error("nothing was fetched")
			}
		})
	}
}
