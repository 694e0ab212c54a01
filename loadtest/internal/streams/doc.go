// Package streams reads thousands of event streams at little cost, and holds each
// against what should come over it (package account).
//
// A [Set] opens streams at the times that it is told, and measures from these:
// one that is opened late because the machine is busy counts as late. A stream
// that breaks comes back with the last id that it was given. On Linux and
// without TLS the streams of a set are sockets that one goroutine polls, with a
// small struct each; elsewhere each has a goroutine. What comes is read by the
// same code, which is this package's own: it judges a server, so it shares no
// decoder with it.
package streams
