// Package subscribe answers GET /v1/events and the pongs of its streams: it
// says to package sse who may subscribe to what, how many streams an address
// may have, and what is counted, logged and traced of each stream.
//
// The streams themselves, from the handshake on, are sse's. This room promises
// that a stream is admitted by the token that it came with and counted until
// it has left, that it has one span from its request to its first bytes, and
// that nothing that is told of a delivery waits.
//
// A new query parameter of subscriptions is parsed by package sse
// (subscription.go); a new control event is a function there (control.go) and
// a kind in package wire; what a caller may do is decided in admit.go.
package subscribe
