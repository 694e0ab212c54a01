// Package traces makes the spans of Sluice's services with OpenTelemetry's SDK
// and sends them to a collector.
//
// # What a trace holds
//
// A span never lives as long as a stream. Five kinds are made by a hub:
//
//   - sse.connect (server): a handshake, from the request to the first bytes
//     out. Its child sse.replay ends when the stream has been sent what was
//     there at the handshake, perhaps after its parent.
//   - sse.publish (producer): around the append. Its context is kept with the
//     event, as traceparent. Its child sse.store is what the store took.
//   - sse.fanout: one for each sampled publish, on each hub, with totals.
//   - sse.deliver (consumer): a few deliveries, each a root of its own that is
//     linked to the publish and to the connect.
//   - sse.close: the end of a stream, linked to its connect.
//
// An edge in front has one for each request, from its log when it is over or, of
// a stream, when its head is out: the parent of the hub's.
//
// So spans grow with connects and publishes, never with their product: one
// sampled publish makes [SpansPerPublish] on a hub at the most, however many
// streams it goes to, beside what the store's own instrumentation adds.
//
// # What is kept
//
// The sampler is parent-based: a caller's decision holds, and of the traces
// that begin here a fixed part is sampled, by the trace id, as OpenTelemetry's
// own ratio sampler does. Every request has a trace id, sampled or not, and a
// trace that begins here gets that one.
//
// Connects that failed or were slow ([SlowConnect]) are kept although they were
// not chosen, [KeptConnectsPerSecond] of them: the span is made when they are
// over, under the trace id that was announced, so that one that is not kept
// costs next to nothing. Lost is what would have had to be recorded meanwhile:
// the spans of the store below it, and those of callers, who were told that the
// trace is not sampled. Where a caller sent such a trace, the span names a
// parent that no backend has.
//
// Whoever may send a request may ask for it to be sampled.
//
// # Delivery
//
// Nothing here waits for a backend. Spans that ended wait in a bounded queue
// ([QueueSpans], [QueueBytes]); when it is full the oldest give way. Every
// sampled span that ended is reported once, as sent or, with the reason, as
// dropped. What is sent again after an unclear failure may arrive twice.
package traces
