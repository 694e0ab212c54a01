// Package front is what every request passes before a room answers it, and
// what the rooms say alike: where a request comes from, who sends it, under
// which trace, in which words it is refused, and what is counted and logged of
// its answer.
//
// A request to the public listener passes, in this order: the facts about it
// (facts.go), health probes, CORS with the answers to preflights, the Host
// allow-list where access is open, the check of its origin, the deadline of
// its body, the router. On the admin listener, where no page belongs, it
// passes its facts, the check of its origin, and the operators' token or else
// the Host allow-list, then the deadline and the router.
//
// Front promises that an answer has an X-Trace-Id, that a refusal is a problem
// document (or, on the stream's route, what the caller asked for in its
// place), that no secret is in an address or a line of the log by the time a
// room sees the request, and that every answer is counted once.
//
// A new reason for a refusal that several rooms have is a function in
// problem.go; a new header that pages may send or read is a name in cors.go.
package front
