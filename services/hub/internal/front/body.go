package front

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

// Bound is how many bytes something may have, and what is said beyond it.
type Bound struct {
	Bytes   int64
	Problem string
	What    string
}

// Exceeded refuses what is larger.
func (b Bound) Exceeded() *sse.Rejection {
	return &sse.Rejection{Status: 413, Type: b.Problem, Title: "Too large",
		Detail: b.What + " may have at most " + strconv.FormatInt(b.Bytes, 10) + " bytes"}
}

// MaxBodies bounds the memory of the large bodies that are under way at a
// time, in bytes. The largest body there can be has room.
const MaxBodies = 64 << 20

// Bodies reads the bodies of requests, within the memory that there is for
// them all.
type Bodies struct {
	Large  *semaphore.Weighted // bytes that large ones may take
	Within time.Duration       // that a body may take
}

func newBodies(within time.Duration) *Bodies {
	return &Bodies{Large: semaphore.NewWeighted(MaxBodies), Within: within}
}

// Read reads a body within a bound into buf.Data, for as long as a caller may
// take.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request, buf *Buffer, most Bound) *sse.Rejection {
	buf.Data = buf.Data[:0]
	if r.ContentLength > most.Bytes {
		return tooLarge(w, most)
	}
	if r.ContentLength == 0 {
		return nil
	}
	if why := b.reserve(w, r, buf, most); why != nil {
		return why
	}
	err := buf.readFrom(r, most.Bytes)
	var large *http.MaxBytesError
	switch {
	case err == nil:
		if spare := buf.reserved - int64(len(buf.Data)); spare > 0 { // it did not say how long it is
			b.Large.Release(spare)
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
			Detail: "the body must arrive within " + b.Within.String()}
	}
	return &sse.Rejection{Status: 400, Type: "incomplete-body", Title: "Incomplete body",
		Detail: "the body ended early or was malformed"}
}

// reserve waits for memory for a large body, for as long as a body may take.
func (b *Bodies) reserve(w http.ResponseWriter, r *http.Request, buf *Buffer, most Bound) *sse.Rejection {
	if most.Bytes <= maxPooled {
		return nil
	}
	n := most.Bytes
	if r.ContentLength > 0 {
		n = r.ContentLength
	}
	ctx, cancel := context.WithTimeout(r.Context(), b.Within)
	defer cancel()
	if b.Large.Acquire(ctx, n) != nil {
		w.Header().Set("Connection", "close") // rather than read the body
		return &sse.Rejection{Status: http.StatusTooManyRequests, Type: "body-limit", Title: "Too many large bodies",
			Detail: "the hub reads as many large bodies as it may", RetryAfter: Jittered(4 * time.Second)}
	}
	buf.reserved += n
	return nil
}

func tooLarge(w http.ResponseWriter, most Bound) *sse.Rejection {
	w.Header().Set("Connection", "close") // rather than read the rest
	return most.Exceeded()
}

// Buffer is the memory of one request: of its body, and of what a room makes
// of it.
type Buffer struct {
	Data   []byte // as it arrived
	Answer []byte

	reserved int64 // of the memory for large bodies
}

var buffers = sync.Pool{New: func() any { return new(Buffer) }}

// maxPooled is the largest buffer that is kept for later requests.
const maxPooled = 1 << 20

// Buffer returns a buffer, to be given back with Release.
func (b *Bodies) Buffer() *Buffer { return buffers.Get().(*Buffer) }

// Release takes a buffer back.
func (b *Bodies) Release(buf *Buffer) {
	if buf.reserved > 0 {
		b.Large.Release(buf.reserved)
		buf.reserved = 0
	}
	if cap(buf.Data) <= maxPooled {
		buffers.Put(buf)
	}
}

// readFrom reads the body of a request, of at most so many bytes.
func (b *Buffer) readFrom(r *http.Request, most int64) error {
	// A larger body gets its memory as it arrives, not as it is announced.
	if n := r.ContentLength; n >= 0 && n <= maxPooled {
		b.Data = grown(b.Data, int(n))
		_, err := io.ReadFull(r.Body, b.Data)
		return err
	}
	limited := http.MaxBytesReader(nil, r.Body, most)
	for {
		if len(b.Data) == cap(b.Data) {
			b.Data = append(b.Data, 0)[:len(b.Data)]
		}
		n, err := limited.Read(b.Data[len(b.Data):cap(b.Data)])
		b.Data = b.Data[:len(b.Data)+n]
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
