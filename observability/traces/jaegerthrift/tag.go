package jaegerthrift

import (
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
)

// tag returns an attribute as Jaeger has it.
func tag(a attribute.KeyValue) *jaeger.Tag {
	key := string(a.Key)
	switch a.Value.Type() {
	case attribute.BOOL:
		return boolean(key, a.Value.AsBool())
	case attribute.INT64:
		return integerTag(key, a.Value.AsInt64())
	case attribute.FLOAT64:
		v := a.Value.AsFloat64()
		return &jaeger.Tag{Key: key, VType: jaeger.TagType_DOUBLE, VDouble: &v}
	case attribute.BYTESLICE:
		return &jaeger.Tag{Key: key, VType: jaeger.TagType_BINARY, VBinary: a.Value.AsByteSlice()}
	}
	return text(key, a.Value.String())
}

func text(key, v string) *jaeger.Tag {
	return &jaeger.Tag{Key: key, VType: jaeger.TagType_STRING, VStr: &v}
}

func boolean(key string, v bool) *jaeger.Tag {
	return &jaeger.Tag{Key: key, VType: jaeger.TagType_BOOL, VBool: &v}
}

func integerTag(key string, v int64) *jaeger.Tag {
	return &jaeger.Tag{Key: key, VType: jaeger.TagType_LONG, VLong: &v}
}

// count adds a count that is not zero.
func count(all []*jaeger.Tag, key string, n int) []*jaeger.Tag {
	if n == 0 {
		return all
	}
	return append(all, integerTag(key, int64(n)))
}
