// Package slowest keeps the slowest of what is traced.
package slowest

import (
	"cmp"
	"slices"

	"github.com/sluice-stream/sluice/loadtest/internal/mark"
)

// Traced is an event whose trace was sampled.
type Traced struct {
	Trace  string `json:"trace"`
	Took   int64  `json:"took_ns"` // since it should have been published
	At     int64  `json:"at_ns"`   // when that was, since the Unix epoch
	Stream int    `json:"stream"`  // the slowest that it was read from
}

// List has the slowest, each trace once.
type List []Traced

// Most is how many it has.
const Most = 10

// Add adds a delivery, where it is one of the slowest.
func (l *List) Add(m mark.Mark, took int64, stream int) {
	if len(*l) == Most && took <= (*l)[Most-1].Took {
		return
	}
	l.add(Traced{Trace: m.Trace(), Took: took, At: m.At, Stream: stream})
}

func (l *List) add(x Traced) {
	if i := slices.IndexFunc(*l, func(y Traced) bool { return y.Trace == x.Trace }); i < 0 {
		*l = append(*l, x)
	} else if (*l)[i].Took < x.Took {
		(*l)[i] = x
	}
	slices.SortFunc(*l, func(a, b Traced) int { return cmp.Compare(b.Took, a.Took) })
	*l = (*l)[:min(len(*l), Most)]
}

// Merge adds another list's.
func (l *List) Merge(other List) {
	for _, x := range other {
		l.add(x)
	}
}
