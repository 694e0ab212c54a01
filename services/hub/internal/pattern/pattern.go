// Package pattern says which topics a pattern means: "orders" that topic,
// "orders.*" those whose names start with "orders.", "*" every one.
package pattern

import (
	"strings"

	"github.com/sluice-stream/sluice/services/wire"
)

// Valid reports whether p is a pattern.
func Valid(p string) bool {
	return p == "*" || wire.ValidTopic(strings.TrimSuffix(p, ".*"))
}

// Match reports whether a topic is among those that the valid pattern p means.
func Match(p, topic string) bool {
	if prefix, ok := strings.CutSuffix(p, "*"); ok {
		return strings.HasPrefix(topic, prefix)
	}
	return p == topic
}
