package app

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

// readBody reads the data into buf, for as long as a caller may take.
func (h *hub) readBody(w http.ResponseWriter, r *http.Request, buf *buffer) *sse.Rejection {
	most := h.settings.MaxEventBytes
	buf.data = buf.data[:0]
	if r.ContentLength > most {
		return h.tooLarge(w)
	}
	if r.ContentLength == 0 {
		return nil
	}
	err := buf.readFrom(r, most)
	var large *http.MaxBytesError
	switch {
	case err == nil:
		// Else the deadline of the body would count as a hang-up of the caller.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		return nil
	case errors.As(err, &large):
		return h.tooLarge(w)
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return &sse.Rejection{Status: 408, Type: "body-timeout", Title: "Body took too long",
			Detail: "the body must arrive within " + h.times.body.String()}
	}
	return &sse.Rejection{Status: 400, Type: "incomplete-body", Title: "Incomplete body",
		Detail: "the body ended early or was malformed"}
}

func (h *hub) tooLarge(w http.ResponseWriter) *sse.Rejection {
	w.Header().Set("Connection", "close") // rather than read the rest
	return &sse.Rejection{Status: 413, Type: "event-too-large", Title: "Event too large",
		Detail: "the data of an event may have at most " + strconv.FormatInt(h.settings.MaxEventBytes, 10) + " bytes"}
}

// buffer is the memory of one publish.
type buffer struct {
	data   []byte // as it arrived
	body   []byte // as it goes over the wire
	answer []byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// maxPooled is the largest buffer that is kept for later publishes.
const maxPooled = 1 << 20

func (b *buffer) release() {
	if cap(b.data) <= maxPooled && cap(b.body) <= maxPooled {
		buffers.Put(b)
	}
}

// readFrom reads the body of a request, of at most so many bytes.
func (b *buffer) readFrom(r *http.Request, most int64) error {
	if n := r.ContentLength; n >= 0 {
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
