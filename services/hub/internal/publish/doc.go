// Package publish answers POST /v1/topics/:topic/events: one event, a batch of
// lines, or CloudEvents in their three modes.
//
// What a request says becomes an [incoming] in whatever form it comes
// (request.go tells the form; event.go, lines.go, cloudevents.go read it), is
// checked against the limits of all events, encoded once, and appended to the
// log behind the breaker. It promises that an answer of 2xx means that the
// event is in the log at the durability of its store, that one with an
// idempotency key is there once however often it is sent, and that a refusal
// has left nothing behind.
//
// A new query parameter or header is a field of parameters in request.go; a
// new form is a constant there and a reader beside the others; a new reason
// for a refusal is made where it is found out.
package publish
