package stream

import "github.com/sluice-stream/sluice/services/eventlog"

// Feed is one topic as the streams of one driver (a delivery loop, or one
// request's goroutine) see it. All of them read the same view during a pass.
type Feed struct {
	Topic *eventlog.Topic
	// Least is the lowest position of a live stream since the driver set it.
	Least eventlog.ID

	view  eventlog.View
	pass  uint64            // in which the view was taken; 0: none is held
	read  eventlog.Readings // that the topic has not been told of
	saved uint64            // reads of pages that were there already
}

// Look returns the view of a pass, taking it where this is its first use.
func (f *Feed) Look(pass uint64) *eventlog.View {
	if f.pass != pass {
		f.view, f.pass = f.Topic.View(), pass
	}
	return &f.view
}

// Holds reports whether the feed holds a view.
func (f *Feed) Holds() bool { return f.pass != 0 }

// View returns the view that the feed holds.
func (f *Feed) View() *eventlog.View { return &f.view }

// Forget lets go of the view, which would keep evicted blocks in memory, and
// returns how many reads of pages were saved since it last did.
func (f *Feed) Forget() (saved uint64) {
	f.count()
	saved = f.saved
	f.drop()
	f.saved = 0
	return saved
}

func (f *Feed) drop() { f.view, f.pass = eventlog.View{}, 0 }
