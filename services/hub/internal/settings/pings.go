package settings

import (
	"cmp"
	"errors"
	"time"
)

// Pings are the options of two-way heartbeats as the sse package has them,
// where what never is has to be said.
type Pings struct {
	Interval, Timeout time.Duration
	Most              int
}

// Pings returns the options of two-way heartbeats.
func (s *Settings) Pings() Pings {
	return Pings{cmp.Or(s.PingInterval, -1), cmp.Or(s.PongTimeout, -1), cmp.Or(s.MaxMissedPings, -1)}
}

func (s *Settings) validatePings() error {
	if s.PingInterval > 0 && s.PongTimeout > s.PingInterval {
		return errors.New("--pong-timeout is longer than --ping-interval: a ping must be answered or missed before the next, so make one shorter or the other longer")
	}
	return nil
}
