package eventlog

import (
	"context"
	"slices"

	"github.com/sluice-stream/sluice/services/wire"
)

// Result is the answer to one append of several.
type Result struct {
	Receipt Receipt
	Err     error
}

// Batcher is a [Store] that makes several appends share its commits. The other
// stores get one append after the other.
type Batcher interface {
	// AppendAll appends entries to one topic as if Append were called for each
	// in their order, and answers in that order: the ids of those that are
	// committed rise, whatever becomes of the others.
	AppendAll(ctx context.Context, topic string, entries []Entry) []Result
}

// AppendAll appends entries to one topic in their order, each as [Log.Append]
// does. One that fails leaves the others as they are. Events of other
// publishers may come in between.
func (l *Log) AppendAll(ctx context.Context, topic string, entries []Entry) []Result {
	unfit := !wire.ValidTopic(topic) || slices.ContainsFunc(entries, func(e Entry) bool { return !wire.Whole(e.Body) })
	if b, ok := l.store.(Batcher); ok && !unfit {
		return b.AppendAll(ctx, topic, entries)
	}
	results := make([]Result, len(entries))
	for i, e := range entries {
		results[i].Receipt, results[i].Err = l.Append(ctx, topic, e)
	}
	return results
}
