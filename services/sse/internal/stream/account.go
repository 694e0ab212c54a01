package stream

import "github.com/sluice-stream/sluice/services/eventlog"

// Every event of a topic has a number, and a stream knows which one comes next.
// So each piece shows by itself whether something was passed over: what a gap was
// told of, and nothing else, may be.

// expected is the number of the event that should come, twice, and 1 where a gap
// was told of since the last; 0: unknown. It is one word, as streams are many.
type expected uint64

func (e expected) number() uint64 { return uint64(e) / 2 }
func (e expected) told() bool     { return e&1 != 0 }

// Stand notes where the stream stands in a topic: at or behind the event of a
// number.
func (u *Sub) Stand(number uint64) { u.expected = expected(2 * (number + 1)) }

// passed takes up that the next so many events of a span were handed on. A number
// of 0 is unknown.
func (u *Sub) passed(number uint64, events int) {
	if u.Own {
		return
	}
	u.Feed.read.Delivered += uint64(events)
	if number > u.expected.number() {
		u.missed(number)
	}
	u.expected = 0
	if number > 0 {
		u.Stand(number + uint64(events) - 1)
	}
}

// missed takes up that numbers were passed over. They go back where the topic was
// forgotten and began anew, which is no loss.
func (u *Sub) missed(number uint64) {
	switch {
	case u.expected.number() == 0:
	case u.expected.told():
		u.Feed.read.Told += number - u.expected.number()
	default:
		u.Feed.read.Lost += number - u.expected.number()
	}
}

// Due returns how many events of a topic the stream is still to have: none where
// its place is not known, which is until its first event where it began at one
// that is gone.
func (u *Sub) Due(v *eventlog.View) uint64 {
	next := u.expected.number()
	if next == 0 || v.Number < next {
		return 0
	}
	return v.Number + 1 - next
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
