// Package sse serves topics of an event log to browsers and programs as
// Server-Sent Events (WHATWG HTML, section 9.2). It stands on net/http alone,
// so it runs under Gin, Echo or none of them.
//
// A topic is a log; a connection is a cursor in it. An event is encoded once,
// when it becomes resident in the log, and lies there as the bytes that go to
// sockets. A connection is a socket and a position for each of its
// topics. It has no queue: being behind is the distance from its position to
// the head, computed when it matters. Serving it is one operation, whether it
// is live, resumes after a reconnect, catches up or reads for the first time:
// write everything from the cursor to the head, then wait to be woken. The
// wake-up carries nothing, so events that come while a sweep is writing make
// the next one longer, and batches form under load without delay at rest.
//
// On HTTP/1.1 over TCP the [Handler] does the handshake, takes the socket over
// and returns. From then on the connection is a small struct that belongs to
// one of a few delivery loops, one a core, half of which sweep at a time; they
// write without blocking.
// Every other connection (HTTP/2, TLS in this process, HTTP/1.0, platforms
// without such sockets) is driven by its request's own goroutine, with the
// same cursor and the same batches.
//
// The handshake, the request path and all that the hub asks of open streams are
// here. Below, each for itself and none knowing this package: sockets has the
// delivery loops and everything that is asked of the kernel; stream what a
// connection reads, for loops and requests alike; heartbeat, fanout and readers
// what both need of time, of measuring, and of the store.
//
// # Ordering
//
// A connection gets the events of a topic in the order of their ids, those
// that it resumes past and those that happen meanwhile in one sequence.
// Between topics there is no order: they take turns by bytes, so that a busy
// one does not starve the rest.
//
// # Delivery
//
// Every event after a connection's position is written to it once, or
// stream.gap is, in the place of what is gone. Nothing is skipped in silence.
// That an event was written does not say that it was received: what is on its
// way when a connection breaks is lost with it. The client then resumes from
// the last id that it has. Every id is the connection's position after that
// event, for all its topics, so resuming from it repeats nothing and misses
// nothing. stream.open carries an id too, for clients cut off before their
// first event.
//
// # Slow readers
//
// A slow reader delays nobody: publishers do not wait for connections, and a
// loop goes on past a socket that is full until it takes more. Falling behind
// costs the reader nothing at first, as the log keeps its place. When the hot
// tail has moved past it, it reads pages of the store off the loop, and when
// the store's retention has passed it too, it is told so with stream.gap. A
// reader whose socket takes no byte for [Handler.WriteTimeout] while there is
// something to send is closed ([ReasonWriteTimeout]), as is one whose
// unfinished write pins memory that others need ([ReasonMemory]). Nothing else
// ends a stream for being slow, and no event is dropped to keep one.
//
// # Liveness
//
// A silent stream carries a comment now and then. A client that asks for
// heartbeat=pong is sent stream.ping instead and answers by requests of its
// own ([Handler.Pong]); one that misses too many is closed
// ([ReasonPongTimeout]). A client with something left to take is not pinged:
// the write time-out judges it. No stream has a timer of its own: a loop looks
// at each when its next time has come, by one place in a wheel.
//
// A stream that is told to end (by [Handler.Disconnect], a drain, the expiry
// of its [Admission]) ends within seconds, in good order where the client
// takes what is left.
package sse
