// Package stream is what a connection reads, whoever writes it: a cursor in
// each of its topics, the pieces that writes carry, and how they count.
//
// It knows neither sockets nor requests. A driver (a delivery loop, or a
// request's goroutine) asks a [Stream] for its next [Piece] and writes that, or
// closes the connection: the cursors have moved. What is neither in the hot
// tail nor asked for is said so by [Sub.Want], and what a reader of the store
// found is given to [Sub.Answered].
//
// # Ownership
//
// A Stream and its Feeds belong to one driver, and one goroutine at a time. The
// streams of a driver share one [Feed] a topic, whose view of the log is taken
// once a pass, and must be let go of ([Feed.Forget]) before the driver sleeps.
// The names of a stream's topics do not change, and anybody may ask for them.
// Nothing here allocates for a piece, locks or reports.
package stream
