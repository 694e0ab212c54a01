// Package sockets writes streams to sockets of Linux: many of them from a few
// delivery loops, none of which ever waits for a client.
//
// A [Conn] is a small struct and a descriptor. It has no goroutine, no buffer
// and nothing of the request that it began with. [Take] makes a [Socket] of a
// connection that net/http has given away, [Loops.Open] a Conn of that. Its
// opening is written by the request's goroutine ([Conn.Begin]), all the rest by
// the loop that it is given to ([Conn.Serve]) and stays with.
//
// # A loop
//
// A loop is one goroutine. In each pass it takes its mail and the topics that
// have grown, writes once to every connection that is ready (a sweep), looks at
// those whose time has come, and lets go of all views of the log. Events that
// come while it sweeps lengthen what the next sweep writes. What makes a loop
// run, rest and sleep, and how many there are, is in schedule_linux.go, and
// nowhere else.
//
// Nothing that happens for each delivery allocates, takes a lock, calls an
// interface or says anything. A loop touches no disk, and no network but its
// sockets: what is below the hot tail is asked of a pool of readers, whose
// answers come by mail.
//
// # Ownership
//
// A Conn and its Stream belong to the loop from Serve until [Session.Left].
// Other goroutines reach them only by mail, which is what [Conn.End],
// [Conn.Tell], [Conn.At] and [Loops.Survey] are, from any goroutine but a
// loop's. Mail of one sender is read in its order; End may come before Serve.
// Growing topics wake the loop by a list of their own, and its poller by mail.
//
// What becomes of a stream is told to its [Session], how deliveries go to the
// [Meter], both on the loop's goroutine: an implementation that waits holds up
// every connection of the loop.
//
// # Descriptors
//
// Only the loop closes a socket, and the net.Conn keeps the descriptor valid
// until then. Each loop has a [Poller], an epoll with a goroutine of its own. It
// reports hang-ups (a FIN from the client is one) and room in sockets that were
// full, each once, by the connection's [Ref]: its place among the loop's and the
// place's generation. Places and descriptors are used again, and a report may
// come late; one of an earlier generation is dropped.
//
// # Slow clients
//
// A socket that takes only a part keeps the rest of its frame, pinned and
// counted in the log's budget, and is left alone until the poller reports room.
// If it takes no byte for the write time-out, or pins what the budget lacks, it
// is closed. Nothing else is ever written inside an unfinished frame.
//
// # The end
//
// A stream that is told to end gets what it has begun, its last chunk, and a
// bounded time for that. Then the socket goes back to the [Listener] that it
// came from, for the next request, or is half-closed, drained for a moment and
// closed. Back go also the bytes that were read ahead of the stream.
//
// Elsewhere than on Linux there is the Listener and no loop: Loops is there, and
// empty.
package sockets
