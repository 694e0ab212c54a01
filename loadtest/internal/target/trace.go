package target

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"math/rand/v2"
)

// Trace is the context of a new trace, as W3C Trace Context has it.
type Trace struct {
	ID      string // 32 hexadecimal digits
	Header  string // traceparent
	Sampled bool
}

// NewTrace begins a trace, sampled with the given probability.
func NewTrace(ratio float64) Trace {
	var random [24]byte
	_, _ = crand.Read(random[:]) // never fails: it ends the program where there is no randomness
	text := hex.EncodeToString(random[:])
	t := Trace{ID: text[:32], Sampled: rand.Float64() < ratio}
	flags := "00"
	if t.Sampled {
		flags = "01"
	}
	t.Header = "00-" + t.ID + "-" + text[32:] + "-" + flags
	return t
}

type traceKey struct{}

// WithTrace returns a context whose publishes belong to a trace.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t.Header)
}

func traceparent(ctx context.Context) string {
	header, _ := ctx.Value(traceKey{}).(string)
	return header
}
