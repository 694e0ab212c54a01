package pebblelog

import (
	"container/heap"
	"slices"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// shared finds what the limit of all topics together wants gone: what is
// oldest, whichever topic has it.
func (r *retention) shared() (cuts []*cut, full bool, err error) {
	h, total, newest := r.store.ages()
	excess, now := total-r.TotalBytes, time.Now()
	if excess <= 0 || len(h) == 0 || excess < r.TotalBytes/retainShare && now.Sub(r.shares) < retainTopic {
		return nil, false, nil
	}
	heap.Init(&h)
	// A topic gives up a thousandth of the time that all is from at once, so that
	// it is not looked at anew for each event.
	slice := (newest.MS - h[0].known.Oldest.MS) / 1000
	left := budget{events: retainEvents, keyed: retainKeyed}
	byName := map[string]*cut{}
	for total > r.TotalBytes && !left.used() && h.Len() > 0 {
		a := heap.Pop(&h).(over)
		bound := wire.MaxID
		if h.Len() > 0 {
			bound = h[0].known.Oldest
			bound.MS += slice
		}
		c, err := r.older(a, bound, total-r.TotalBytes, &left)
		if err != nil {
			return nil, false, err
		}
		total -= int64(c.gone.bytes - a.known.gone.bytes)
		merge(byName, c)
		if c.oldest.IsZero() || c.oldest == a.known.Oldest {
			continue
		}
		a.known.Trimmed, a.known.gone, a.known.Oldest = c.through, c.gone, c.oldest
		heap.Push(&h, a)
	}
	for _, c := range byName {
		cuts = append(cuts, c)
	}
	slices.SortFunc(cuts, func(a, b *cut) int { return a.through.Compare(b.through) })
	if total <= r.TotalBytes {
		r.shares = now
	}
	return cuts, total > r.TotalBytes, nil
}

// older takes records of a topic that are below a position, as long as there
// are too many bytes.
func (r *retention) older(a over, bound eventlog.ID, excess int64, left *budget) (*cut, error) {
	return r.store.scan(a.name, a.known, left, func(id eventlog.ID, taken count) bool {
		return id.Less(bound) && int64(taken.bytes) < excess
	})
}

func merge(byName map[string]*cut, c *cut) {
	if before := byName[c.name]; before != nil {
		c.keys = append(before.keys, c.keys...)
	}
	byName[c.name] = c
}

// ages returns the topics that have events, the bytes of all and the newest
// event of any.
func (s *Store) ages() (h ages, total int64, newest eventlog.ID) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, t := range s.topics {
		if t.Events > 0 {
			h = append(h, over{name, t})
			total += t.Bytes
		}
		if newest.Less(t.Last) {
			newest = t.Last
		}
	}
	return h, total, newest
}

// ages is a heap with the oldest first.
type ages []over

func (h ages) Len() int           { return len(h) }
func (h ages) Less(i, j int) bool { return h[i].known.Oldest.Less(h[j].known.Oldest) }
func (h ages) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ages) Push(x any)        { *h = append(*h, x.(over)) }
func (h *ages) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
