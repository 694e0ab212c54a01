package sse

import (
	"net/http"
	"reflect"
)

// plainWriter returns the writer that middlewares have wrapped: a stream must
// not be compressed or buffered by them. Where a wrapper has no Unwrap, the
// ResponseWriter that it embeds is taken.
func plainWriter(w http.ResponseWriter) http.ResponseWriter {
	for {
		inner := unwrap(w)
		if inner == nil {
			return w
		}
		w = inner
	}
}

func unwrap(w http.ResponseWriter) http.ResponseWriter {
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		return u.Unwrap()
	}
	inner, _ := embedded(w).Interface().(http.ResponseWriter)
	return inner
}

// embedded returns the ResponseWriter field that a wrapper embeds, or one that
// is nil.
func embedded(w http.ResponseWriter) reflect.Value {
	none := reflect.ValueOf(new(http.ResponseWriter)).Elem()
	v := reflect.Indirect(reflect.ValueOf(w))
	if v.Kind() != reflect.Struct {
		return none
	}
	f, ok := v.Type().FieldByName("ResponseWriter")
	if !ok || !f.Anonymous {
		return none
	}
	field, err := v.FieldByIndexErr(f.Index)
	if err != nil {
		return none
	}
	return field
}

// retire makes the wrappers of a finished stream write into nothing, as far as
// it can. A compression may end its archive when the handler returns, and
// would spoil the end of the stream, or have net/http log that the socket was
// taken over; gin-contrib/gzip does so for every stream.
func retire(w http.ResponseWriter) {
	for {
		inner := unwrap(w)
		if inner == nil {
			return
		}
		if unwrap(inner) == nil {
			if field := embedded(w); field.CanSet() && field.Type() == reflect.TypeFor[http.ResponseWriter]() {
				field.Set(reflect.ValueOf(retired{inner.Header()}))
			}
			return
		}
		w = inner
	}
}

// retired is the writer of a stream that has ended.
type retired struct{ header http.Header }

func (r retired) Header() http.Header         { return r.header }
func (r retired) Write(p []byte) (int, error) { return len(p), nil }
func (r retired) WriteHeader(int)             {}
func (r retired) Flush()                      {}
