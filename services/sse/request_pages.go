package sse

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/readers"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// page is an answer of the reader pool.
type page struct {
	sub   int
	at    eventlog.ID // what was asked for
	block *eventlog.Block
	gap   *eventlog.GapError
}

func (c *requestConn) fetchLacking() {
	for i := range c.reads.Subs {
		from, ok := c.reads.Subs[i].Want()
		if !ok {
			continue
		}
		c.server.readers.Ask(readers.Job{Cursor: from, Again: c.again, Gone: &c.gone, Done: func(b *eventlog.Block, g *eventlog.GapError) {
			c.pages <- page{i, from.At, b, g}
			if c.gone.Load() {
				c.dropPages()
			}
		}})
		c.again = true
	}
}

func (c *requestConn) arrived(p page) error {
	u := &c.reads.Subs[p.sub]
	c.mu.Lock()
	g := u.Answered(p.at, p.block, p.gap)
	c.mu.Unlock()
	if g == nil {
		return nil
	}
	c.Gap(g)
	return c.write(c.reads.AppendGap(nil, g, u), stream.Counts{})
}

// dropPages takes back the answers of the reader pool that nobody reads.
func (c *requestConn) dropPages() {
	for {
		select {
		case p := <-c.pages:
			if p.block != nil {
				p.block.Unpin()
			}
		default:
			return
		}
	}
}
