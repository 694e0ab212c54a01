package client

import "github.com/sluice-stream/sluice/services/wire"

// Event is what a subscription yields.
type Event struct {
	// ID is the position after this event, for all topics of the subscription,
	// the event's own first: what to give as [Options.LastEventID] to go on
	// behind it. Empty where the server has no ids.
	ID string
	// Type is "message" where the publisher gave none.
	Type string
	// Key is what the event is about, where the publisher said so.
	Key string
	// Topic is the event's topic, where it can be known: with one topic, or
	// from ids that hold a position for each.
	Topic string
	Data  string
	// Traceparent is the publisher's trace (W3C Trace Context), as it came and
	// not checked; empty where it was not sampled.
	Traceparent string
	// Gap is not nil where this is no event of a publisher: here events are
	// missing, because the server has them no longer. Type is then
	// "stream.gap", and ID where delivery goes on.
	Gap *Gap
}

// Gap says what is known of events that are gone.
type Gap = wire.Gap
