// Package probe is "loadtest probe": for each target it publishes an event every
// second through the edge and reads it back from a stream that stays open.
//
// Each round ends in exactly one of two ways. Either the hub's answer and the
// event both came within --timeout: then the time from the start of the publish
// to the reading is observed. Or the round failed, for one of these reasons:
//
//   - publish: the hub's answer did not come, or was a refusal.
//   - connect: published, but no stream could be had to read it from.
//   - read: published, and the stream broke meanwhile and did not bring it.
//   - timeout: published, and an open stream did not bring it.
//   - buffering: something on the way holds the stream back. That is told from
//     the hub's own slowness by its quick answers to the publishes, while either
//     the answer to the stream's request does not begin, or events that were
//     published apart arrive at the same moment, of which the youngest had waited.
//
// A stream that breaks and, resumed, brings the event in time is no failure:
// that is what resuming is for.
package probe
