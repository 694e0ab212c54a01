package publish

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header               { return d.header }
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteHeader(int)                   {}
func (d *discard) SetReadDeadline(_ time.Time) error { return nil }

// BenchmarkPublish is the publish route without the network: from a parsed
// request to the answer.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{128, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			handler := newRoom(b, eventlog.Memory(eventlog.MemoryOptions{}), nil).http
			data := bytes.Repeat([]byte("x"), size)
			body := bytes.NewReader(data)
			r := httptest.NewRequest("POST", "/v1/topics/orders/events?type=order.created", io.NopCloser(body))
			r.ContentLength = int64(size)
			w := &discard{header: http.Header{}}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(data)
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
		})
	}
}
