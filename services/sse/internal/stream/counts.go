package stream

// Counts are events by where they come from; those of the server's own topics
// are none.
type Counts struct {
	Live, Memory, Store uint32
	Replayed            uint32 // bytes of those from memory and store
	Own                 uint32 // bytes of events of the server's own topics
}

func (c *Counts) Add(d Counts) {
	c.Live += d.Live
	c.Memory += d.Memory
	c.Store += d.Store
	c.Replayed += d.Replayed
	c.Own += d.Own
}

// Bytes returns how many of n bytes of a piece, behind those that were accepted
// before, are the server's own and how many are replayed. In this account the
// own ones come first and the replayed ones next, so that all parts only ever
// grow.
func (c *Counts) Bytes(before, n uint32) (own, replayed uint32) {
	both := c.Own + c.Replayed
	own = min(before+n, c.Own) - min(before, c.Own)
	return own, min(before+n, both) - min(before, both) - own
}

func (c *Counts) Events() uint32 { return c.Live + c.Memory + c.Store }
