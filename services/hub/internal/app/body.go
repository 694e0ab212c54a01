package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sluice-stream/sluice/services/sse"
)

// bound is how many bytes something may have, and what is said beyond it.
type bound struct {
	bytes   int64
	problem string
	what    string
}

func (b bound) exceeded() *sse.Rejection {
	return &sse.Rejection{Status: 413, Type: b.problem, Title: "Too large",
		Detail: b.what + " may have at most " + strconv.FormatInt(b.bytes, 10) + " bytes"}
}

// eventBound bounds the data of an event.
func (h *hub) eventBound() bound {
	return bound{h.settings.MaxEventBytes, "event-too-large", "the data of an event"}
}

// cloudBound bounds a CloudEvent with its attributes, its data in base64 or
// with the escapes that JSON needs.
func (h *hub) cloudBound() bound {
	return bound{2*h.settings.MaxEventBytes + 64<<10, "event-too-large", "a CloudEvent"}
}

// readBody reads a body within a bound into buf, for as long as a caller may
// take.
func (h *hub) readBody(w http.ResponseWriter, r *http.Request, buf *buffer, most bound) *sse.Rejection {
	buf.data = buf.data[:0]
	if r.ContentLength > most.bytes {
		return tooLarge(w, most)
	}
	if r.ContentLength == 0 {
		return nil
	}
	if why := h.reserve(w, r, buf, most); why != nil {
		return why
	}
	err := buf.readFrom(r, most.bytes)
	var large *http.MaxBytesError
	switch {
	case err == nil:
		if spare := buf.reserved - int64(len(buf.data)); spare > 0 { // it did not say how long it is
			h.bodies.Release(spare)
			buf.reserved -= spare
		}
		// Else the deadline of the body would count as a hang-up of the caller.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		return nil
	case errors.As(err, &large):
		return tooLarge(w, most)
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return &sse.Rejection{Status: 408, Type: "body-timeout", Title: "Body took too long",
			Detail: "the body must arrive within " + h.times.body.String()}
	}
	return &sse.Rejection{Status: 400, Type: "incomplete-body", Title: "Incomplete body",
		Detail: "the body ended early or was malformed"}
}

// reserve waits for memory for a large body, for as long as a body may take.
func (h *hub) reserve(w http.ResponseWriter, r *http.Request, buf *buffer, most bound) *sse.Rejection {
	if most.bytes <= maxPooled {
		return nil
	}
	n := most.bytes
	if r.ContentLength > 0 {
		n = r.ContentLength
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.times.body)
	defer cancel()
	if h.bodies.Acquire(ctx, n) != nil {
		w.Header().Set("Connection", "close") // rather than read the body
		return &sse.Rejection{Status: http.StatusTooManyRequests, Type: "body-limit", Title: "Too many large bodies",
			Detail: "the hub reads as many large bodies as it may", RetryAfter: jittered(4 * time.Second)}
	}
	buf.reserved += n
	return nil
}

func tooLarge(w http.ResponseWriter, most bound) *sse.Rejection {
	w.Header().Set("Connection", "close") // rather than read the rest
	return most.exceeded()
}

// buffer is the memory of one publish.
type buffer struct {
	data   []byte // as it arrived
	body   []byte // as it goes over the wire
	answer []byte

	reserved int64 // of the hub's memory for large bodies
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// maxPooled is the largest buffer that is kept for later publishes.
const maxPooled = 1 << 20

func (b *buffer) release(bodies *semaphore.Weighted) {
	if b.reserved > 0 {
		bodies.Release(b.reserved)
		b.reserved = 0
	}
	if cap(b.data) <= maxPooled && cap(b.body) <= maxPooled {
		buffers.Put(b)
	}
}

// readFrom reads the body of a request, of at most so many bytes.
func (b *buffer) readFrom(r *http.Request, most int64) error {
	// A larger body gets its memory as it arrives, not as it is announced.
	if n := r.ContentLength; n >= 0 && n <= maxPooled {
		b.data = grown(b.data, int(n))
		_, err := io.ReadFull(r.Body, b.data)
		return err
	}
	limited := http.MaxBytesReader(nil, r.Body, most)
	for {
		if len(b.data) == cap(b.data) {
			b.data = append(b.data, 0)[:len(b.data)]
		}
		n, err := limited.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// grown returns a slice of n bytes in the same memory where there is room.
func grown(p []byte, n int) []byte {
	if n <= cap(p) {
		return p[:n]
	}
	return make([]byte, n)
}
