package pattern

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, row := range []struct {
		pattern, topic string
		want           bool
	}{
		{"orders", "orders", true},
		{"orders", "orders.eu", false},
		{"orders", "Orders", false},
		{"orders.*", "orders.eu", true},
		{"orders.*", "orders.eu.west", true},
		{"orders.*", "orders", false},
		{"orders.*", "ordersX", false},
		{"orders.*", "my.orders.eu", false},
		{"*", "orders", true},
		{"*", "hub.stats", true},
	} {
		if got := Match(row.pattern, row.topic); got != row.want {
			t.Errorf("Match(%q, %q) = %v", row.pattern, row.topic, got)
		}
	}
}

func TestValid(t *testing.T) {
	for _, p := range []string{"orders", "orders.*", "*", "a-b_c.d.*", strings.Repeat("x", 128) + ".*"} {
		if !Valid(p) {
			t.Errorf("%q is a pattern", p)
		}
	}
	for _, p := range []string{"", ".*", "orders*", "or*ders", "*.eu", "**", ".a", "a b", "orders.*.*", strings.Repeat("x", 129)} {
		if Valid(p) {
			t.Errorf("%q is no pattern", p)
		}
	}
}
