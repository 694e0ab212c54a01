package traces

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// maxDescription bounds the description of a status, which the SDK does not.
const maxDescription = 512

// clean returns a copy of text as OTLP can carry it: one span with anything but
// UTF-8 would make its whole batch fail. A copy, since a span outlives the
// request whose line its texts may be parts of.
func clean(s string) string { return strings.Clone(strings.ToValidUTF8(s, "\uFFFD")) }

// short returns the beginning of a text.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// clientAddress returns the attributes of a peer's address. Whatever is not an
// address is left out: it may be anything that a client sent.
func clientAddress(remote string) []attribute.KeyValue {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return []attribute.KeyValue{semconv.ClientAddress(ap.Addr().Unmap().WithZone("").String()), semconv.ClientPort(int(ap.Port()))}
	}
	if a, err := netip.ParseAddr(remote); err == nil {
		return []attribute.KeyValue{semconv.ClientAddress(a.Unmap().WithZone("").String())}
	}
	return nil
}

// attributes are those of a span under way.
type attributes []attribute.KeyValue

func (a *attributes) add(more ...attribute.KeyValue) { *a = append(*a, more...) }

// text adds a text that is not empty.
func (a *attributes) text(key attribute.Key, value string) {
	if value != "" {
		*a = append(*a, key.String(clean(value)))
	}
}

// texts adds a list that is not empty.
func (a *attributes) texts(key attribute.Key, values []string) {
	if len(values) == 0 {
		return
	}
	cleaned := make([]string, len(values))
	for i, v := range values {
		cleaned[i] = clean(v)
	}
	*a = append(*a, key.StringSlice(cleaned))
}
