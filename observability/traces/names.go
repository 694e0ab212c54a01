package traces

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The names of the spans.
const (
	SpanConnect = "sse.connect"
	SpanReplay  = "sse.replay"
	SpanPublish = "sse.publish"
	SpanStore   = "sse.store"
	SpanFanout  = "sse.fanout"
	SpanDeliver = "sse.deliver"
	SpanClose   = "sse.close"
)

// The attributes that no convention has a name for.
const (
	topicsKey      = attribute.Key("sse.topics")
	outcomesKey    = attribute.Key("sse.outcomes") // of the topics, in their order
	outcomeKey     = attribute.Key("sse.outcome")
	connectionKey  = attribute.Key("sse.connection.id")
	transportKey   = attribute.Key("sse.transport")
	slowKey        = attribute.Key("sse.slow")
	keptKey        = attribute.Key("sse.kept") // not chosen by the sampler
	tierKey        = attribute.Key("sse.tier")
	eventsKey      = attribute.Key("sse.events")
	bytesKey       = attribute.Key("sse.bytes")
	reasonKey      = attribute.Key("sse.reason")
	ageKey         = attribute.Key("sse.connection.age_seconds")
	connectionsKey = attribute.Key("sse.fanout.connections")
	stalledKey     = attribute.Key("sse.fanout.stalled")
	lagKey         = attribute.Key("sse.fanout.lag_seconds")
	fannedBytesKey = attribute.Key("sse.fanout.bytes")

	upstreamConnectKey = attribute.Key("sse.edge.connect_seconds") // to the hub
	upstreamHeadKey    = attribute.Key("sse.edge.head_seconds")    // until its head was there
)

// messaging returns what all spans about an event have.
func messaging(operation string, kind attribute.KeyValue, topic, id string) attributes {
	a := make(attributes, 0, 14)
	a.add(semconv.MessagingSystemKey.String("sluice"), semconv.MessagingOperationName(operation), kind)
	a.text(semconv.MessagingDestinationNameKey, topic)
	a.text(semconv.MessagingMessageIDKey, id)
	return a
}
