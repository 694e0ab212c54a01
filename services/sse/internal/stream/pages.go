package stream

import "github.com/sluice-stream/sluice/services/eventlog"

// Want takes note that a reader of the store is to be asked for what follows,
// where it is neither here nor asked for, and returns the cursor to read from.
func (u *Sub) Want() (eventlog.Cursor, bool) {
	if !u.lacking {
		return eventlog.Cursor{}, false
	}
	u.lacking, u.fetching = false, true
	return u.Cursor, true
}

// Answered takes what a reader of the store found at a position, and returns the
// gap where that is still the cursor's: the events may have become resident
// meanwhile, and the cursor may have gone past them.
func (u *Sub) Answered(at eventlog.ID, b *eventlog.Block, g *eventlog.GapError) *eventlog.GapError {
	u.fetching = false
	u.Feed.drop() // the answer may be in a newer view
	if u.At != at {
		if b != nil {
			b.Unpin()
		}
		return nil
	}
	u.page = b
	if g != nil {
		u.At = g.Through
		if u.expected != 0 {
			u.expected |= 1
		}
	}
	return g
}

func (u *Sub) dropPage() {
	if u.page != nil {
		u.page.Unpin()
		u.page = nil
	}
}
