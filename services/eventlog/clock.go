package eventlog

import (
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// ID is the position of an event in its topic, as the wire spells it.
type ID = wire.ID

// Clock gives ids that rise whatever the wall clock does. The zero value
// counts from the zero ID by the system's clock. It is not safe for
// concurrent use.
type Clock struct {
	Now  func() time.Time // nil: time.Now
	Last ID               // the highest id given so far, or known from before
}

// Next gives the lowest id that is above Last and not before the clock's
// millisecond, and makes it Last.
func (c *Clock) Next() ID {
	ms := max(c.Time().UnixMilli(), 1)
	if id := (ID{MS: uint64(ms)}); c.Last.Less(id) {
		c.Last = id
	} else {
		c.Last = c.Last.Next()
	}
	return c.Last
}

// Time returns the time that the clock shows.
func (c *Clock) Time() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
