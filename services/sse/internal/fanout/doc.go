// Package fanout follows how far the new events of topics have come: an event
// is fanned out when a write of it was attempted to every live stream that is
// not stalled.
//
// Streams are not counted one by one. A topic has owners, each of which writes
// it to some of the streams: a delivery loop to its share, a request's
// goroutine to one. Each says how far it has come, once a sweep or a write, and
// what the last of them has come past is fanned out: the [Run] that a call
// returns is for the caller to report. All may be called from any goroutine;
// what is the owner's own is said so.
package fanout
