// Package wire is how events look between a server and its clients: the event
// stream of the WHATWG HTML specification, section 9.2, and what Sluice says in
// it. It has the standard library only, so that a client needs nothing else.
//
// An event is encoded once, by [AppendBody], when it is in the log and comes
// into memory, and gets its id line there. Only the server makes ids
// and control events ([Open] and the rest). A [Decoder] reads any server's
// stream. What both ends know of ids is here too: [ID], [ParsePosition].
//
// Nothing that a publisher chooses can begin a line, so no event can pass for
// another or for a control event.
package wire
