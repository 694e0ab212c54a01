// Package client subscribes to topics of a Sluice hub and publishes to them.
// [Subscribe] reads any other server of Server-Sent Events too.
//
//	for event, err := range client.Subscribe(ctx, client.Options{URL: "https://hub.example", Topics: []string{"orders"}}) {
//		if err != nil {
//			return err // over for good
//		}
//		handle(event)
//	}
//
// # What a subscription promises
//
// Of each topic the loop gets every event after its position, in order, each
// once, through any number of broken connections and restarts of the hub. What
// the hub has no longer is never skipped in silence: in its place comes an
// [Event] with a [Gap]. With [Options.Positions] the same holds across restarts
// of the program, but for what the loop took after the last save: that comes
// again. From servers that are no hub it gets what they repeat as they do, as
// only a hub's ids have an order.
//
// An event is taken when the loop asks for the next one. Only then its position
// is saved, or acknowledged to the hub. So an event that made the loop break or
// return comes again when the program starts again.
//
// The loop is never raced by itself: it, [Options.OnState], and Positions are
// called by one goroutine, one after the other. A loop that takes long holds up
// nothing but itself. Meanwhile the client reads ahead, within
// [Options.BufferBytes], and answers the hub's pings. A loop that stays behind
// for longer than that is let go by the hub, and resumes. A new connection is
// made when all that came over the old one has been taken.
//
// # What a publisher promises
//
// A receipt means that the event is in the log. Each event has an idempotency
// key, and keeps it in every attempt, so that it is published once however
// often it is sent. An error that is no [RejectedError] says that nobody knows;
// publishing again under the [Receipt]'s key settles it.
//
// # Reconnecting
//
// After a break the client waits for a second, and after each failed attempt
// twice as long, up to a minute, each time multiplied with a random 0.5 to 1.5.
// A time that the server asked for with "retry:" takes the place of the second
// and is waited for whole, and up to half as long again; Retry-After is waited
// for at least, and after stream.drain exactly what it says. Servers are
// believed up to an hour. After five failed attempts in a row the subscription
// is [Degraded]: it tries about once a minute, until one succeeds.
//
// 429, 5xx, 408 and everything that happens to networks is temporary. Any other
// refusal, a 204, an answer that is no event stream, and an event that is too
// large are final. After a 401 a fresh token is asked for, and tried once.
//
// A stream on which nothing came for two and a half heartbeats and 5 s more,
// comments included, is given up ([ErrSilent]), as something on the way
// swallows it. Servers that announce no heartbeat are waited for without end,
// or for [Options.MaxSilence].
//
// To a hub two connections are kept open beside the stream, so that neither a
// reconnect nor a pong waits for handshakes, and three for half a minute after
// a break. They cost the hub two small requests each 20 s; [Options.Spare] sets
// their number. With HTTP/2 there is one connection for everything.
//
// Nothing is shared between subscriptions and publishers but what they are
// given. When a loop is over, nothing of it runs any more.
package client
