package app

import "time"

func (o *observer) Ponged(rtt time.Duration) { o.metrics.Ponged(rtt) }

func (o *observer) PingMissed() { o.metrics.PingMissed() }
