package traces

import "go.opentelemetry.io/otel/attribute"

// sizeOfValue returns what a value holds beside itself.
func sizeOfValue(v attribute.Value) int {
	const header = 16
	n := 0
	switch v.Type() {
	case attribute.STRING:
		n = len(v.AsString())
	case attribute.BYTESLICE:
		n = len(v.AsByteSlice())
	case attribute.STRINGSLICE:
		for _, s := range v.AsStringSlice() {
			n += header + len(s)
		}
	case attribute.BOOLSLICE:
		n = len(v.AsBoolSlice())
	case attribute.INT64SLICE:
		n = 8 * len(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		n = 8 * len(v.AsFloat64Slice())
	case attribute.SLICE:
		for _, e := range v.AsSlice() {
			n += 2*header + sizeOfValue(e)
		}
	case attribute.MAP:
		for _, e := range v.AsMap() {
			n += 3*header + len(e.Key) + sizeOfValue(e.Value)
		}
	}
	return n
}
