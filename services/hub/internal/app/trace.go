package app

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// trace names a request in answers, logs and events.
type trace struct {
	id string // 32 hexadecimal digits
	// sampled is the traceparent that the caller sent, where it says that the
	// trace is recorded; else empty.
	sampled string
}

type traceKey struct{}

// traced gives every request its trace and every answer its X-Trace-Id.
func traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := traceOfHeader(r.Header.Get("Traceparent"))
		w.Header()["X-Trace-Id"] = []string{t.id}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), traceKey{}, &t)))
	})
}

// traceOf returns the trace of a request that went through traced.
func traceOf(r *http.Request) trace {
	if t, ok := r.Context().Value(traceKey{}).(*trace); ok {
		return *t
	}
	return trace{}
}

func traceOfHeader(parent string) trace {
	id, flags, ok := parseTraceparent(parent)
	switch {
	case !ok:
		return trace{id: newTraceID()}
	case flags&1 == 0:
		return trace{id: id}
	}
	return trace{id: id, sampled: parent}
}

// parseTraceparent reads the trace id and the flags of a W3C traceparent
// header: version-traceid-parentid-flags.
func parseTraceparent(s string) (id string, flags byte, ok bool) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return "", 0, false
	}
	version, id, parent := s[:2], s[3:35], s[36:52]
	if !lowerHex(version) || !lowerHex(id) || !lowerHex(parent) || !lowerHex(s[53:55]) ||
		version == "ff" || strings.Trim(id, "0") == "" || strings.Trim(parent, "0") == "" {
		return "", 0, false
	}
	// Later versions may add fields behind the ones that are known.
	if len(s) > length && (version == "00" || s[length] != '-') {
		return "", 0, false
	}
	b, _ := hex.DecodeString(s[53:55])
	return id, b[0], true
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// newTraceID returns a random trace id. It is a name, not a secret.
func newTraceID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], rand.Uint64())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64()|1) // not all zero
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}
