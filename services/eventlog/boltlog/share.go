package boltlog

import (
	"container/heap"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// shared applies the limit of all topics together: what goes is what is
// oldest, whichever topic has it.
func (r *retention) shared(s *Store) error {
	if r.total <= r.TotalBytes {
		return nil
	}
	var h ages
	for name, t := range s.topics {
		if c := r.cuts[name]; c != nil {
			t = &c.after
		}
		if t.Events > 0 {
			h = append(h, age{name, t.Oldest})
		}
	}
	heap.Init(&h)
	for r.total > r.TotalBytes && !r.full() && h.Len() > 0 {
		name := heap.Pop(&h).(age).name
		next := wire.MaxID
		if h.Len() > 0 {
			next = h[0].oldest
		}
		t := r.cut(name, s.topics[name])
		trimmed := t.after.Trimmed
		err := r.take(s, t, func(_ eventlog.State, p piece) bool {
			return r.total > r.TotalBytes && (p.aside || p.id.Less(next))
		})
		if err != nil {
			return err
		}
		if t.after.Trimmed != trimmed && t.aside == nil && t.after.Events > 0 {
			heap.Push(&h, age{name, t.after.Oldest})
		}
	}
	return nil
}

// age says how old a topic's oldest event is.
type age struct {
	name   string
	oldest eventlog.ID
}

// ages is a heap with the oldest first.
type ages []age

func (h ages) Len() int           { return len(h) }
func (h ages) Less(i, j int) bool { return h[i].oldest.Less(h[j].oldest) }
func (h ages) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ages) Push(x any)        { *h = append(*h, x.(age)) }
func (h *ages) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
