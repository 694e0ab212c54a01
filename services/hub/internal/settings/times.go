package settings

import "time"

// Times are what no setting changes. Tests shorten them.
type Times struct {
	Header time.Duration // for the head of a request
	Body   time.Duration // for the body of a request
	Append time.Duration // for the store to take an event
	Idle   time.Duration // that a connection may wait for its next request
	Ping   time.Duration // of silence on a connection of HTTP/2 before the peer is asked whether it lives
}

// UsualTimes are those of every hub outside tests.
func UsualTimes() Times {
	return Times{Header: 5 * time.Second, Body: 10 * time.Second, Append: 10 * time.Second, Idle: 60 * time.Second, Ping: 30 * time.Second}
}
