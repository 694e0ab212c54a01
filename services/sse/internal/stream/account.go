package stream

import "github.com/sluice-stream/sluice/services/eventlog"

// Every event of a topic has a number, and a stream knows which one comes next.
// So each piece shows by itself whether something was passed over: what a gap was
// told of, and nothing else, may be.

// Stand notes where the stream stands in a topic: at or behind the event of a
// number.
func (u *Sub) Stand(number uint64) { u.next = number + 1 }

// passed takes up that the next so many events of a span were handed on.
func (u *Sub) passed(span *eventlog.Span, events int) {
	if u.Own {
		return
	}
	r := &u.Feed.read
	r.Delivered += uint64(events)
	if span.Number == 0 {
		u.next = 0
		return
	}
	// Numbers go back where the topic was forgotten and began anew.
	if u.next > 0 && span.Number > u.next {
		if u.told {
			r.Told += span.Number - u.next
		} else {
			r.Lost += span.Number - u.next
		}
	}
	u.next, u.told = span.Number+uint64(events), false
}

// Due returns how many events of a topic the stream is still to have: none where
// its place is not known, which is until its first event where it began at one
// that is gone.
func (u *Sub) Due(v *eventlog.View) uint64 {
	if u.next == 0 || v.Number < u.next {
		return 0
	}
	return v.Number + 1 - u.next
}

// Leave ends the account of a topic that the stream no longer follows.
func (u *Sub) Leave() {
	if u.Own {
		return
	}
	v := u.Topic.View()
	u.Feed.count()
	u.Topic.Read(eventlog.Readings{Left: u.Due(&v)})
}

// count hands on what was counted since it was last called.
func (f *Feed) count() {
	if f.read != (eventlog.Readings{}) {
		f.Topic.Read(f.read)
		f.read = eventlog.Readings{}
	}
}
