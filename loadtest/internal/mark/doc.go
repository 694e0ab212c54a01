// Package mark is what a load test writes into each event, so that whoever
// reads it knows at once which one it is, when it should have been sent, and
// that nothing of it has changed on the way.
//
// An event belongs to a lane: what one connection publishes to one topic, one
// after the other. Within a lane events are numbered from 1 without a hole, so
// a reader needs one number a lane to see what is lost, doubled or out of order.
//
// The data is a JSON object, {"lt":"RUN.LANE.NUMBER.TIME.xxxSUM"}: numbers in
// hexadecimal digits, x as far as the event is to be long, and the CRC-32C of
// all that stands before it.
package mark
