package app

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
)

// trace names a request in answers, logs and events.
type trace struct {
	id string // 32 hexadecimal digits
	// sampled is the traceparent that the caller sent, or what its
	// uber-trace-id is as one, where it says that the trace is recorded; else
	// empty.
	sampled string
}

// facts are what is found out about every request.
type facts struct {
	trace
	caller
}

type factsKey struct{}

// traced gives every request its trace and every answer its X-Trace-Id, and
// finds out where the request comes from.
func traced(proxies admission.Proxies, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &facts{trace: traceOfHeaders(r.Header.Get("Traceparent"), r.Header.Get("Uber-Trace-Id"))}
		w.Header()["X-Trace-Id"] = []string{f.trace.id}
		r = r.WithContext(context.WithValue(r.Context(), factsKey{}, f))
		f.caller = callerIn(r, proxies)
		next.ServeHTTP(w, r)
	})
}

// traceOf returns the trace of a request that went through traced.
func traceOf(r *http.Request) trace {
	if f, ok := r.Context().Value(factsKey{}).(*facts); ok {
		return f.trace
	}
	return trace{}
}

// traceOfHeaders returns the trace that a caller's headers name, the first
// that is valid, or else a new one.
func traceOfHeaders(parent, uber string) trace {
	id, flags, ok := parseTraceparent(parent)
	if !ok && uber != "" {
		parent = fromUber(uber)
		id, flags, ok = parseTraceparent(parent)
	}
	switch {
	case !ok:
		return trace{id: newTraceID()}
	case flags&1 == 0:
		return trace{id: id}
	}
	return trace{id: id, sampled: parent}
}

// fromUber writes an uber-trace-id as a traceparent, or returns nothing where
// it is none. Jaeger's clients send traceid:spanid:parentspanid:flags, in
// hexadecimal digits, perhaps without leading zeros and with the colons escaped
// (jaegertracing.io, Client Libraries, Propagation Format).
func fromUber(s string) string {
	fields := strings.SplitN(strings.ReplaceAll(s, "%3A", ":"), ":", 5)
	if len(fields) != 4 || len(fields[0]) > 32 || len(fields[1]) > 16 {
		return ""
	}
	flags, err := strconv.ParseUint(fields[3], 16, 8)
	if err != nil {
		return ""
	}
	zeros := func(s string, n int) string { return strings.Repeat("0", n-len(s)) + strings.ToLower(s) }
	return "00-" + zeros(fields[0], 32) + "-" + zeros(fields[1], 16) + "-0" + strconv.FormatUint(flags&1, 10)
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
