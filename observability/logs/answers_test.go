package logs

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// What an answer means.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status, requests int
		reason           string
	}{
		{200, 1, ""},
		{204, 1, ""},
		{302, 1, outbox.Rejected},
		{400, 1, outbox.Rejected},
		{401, 1, outbox.Rejected},
		{404, 1, outbox.Rejected},
		{413, 1, outbox.Rejected},
		{429, 3, outbox.Unavailable},
		{500, 3, outbox.Unavailable},
		{503, 3, outbox.Unavailable},
	} {
		t.Run(strconv.Itoa(c.status), func(t *testing.T) {
			server := answers(t, c.status)
			var out bytes.Buffer
			l, a := begin(t, server.URL, &out, quick())
			logMany(l, 50)
			closeWithin(t, l, time.Minute)
			sent, dropped := a.awaitAll(t, 50)
			requests, lines, _ := server.counts()
			if sent != lines || c.reason == "" && sent != 50 || c.reason != "" && dropped[c.reason] != 50 {
				t.Errorf("sent %d (%d arrived), dropped %v", sent, lines, dropped)
			}
			if requests%c.requests != 0 {
				t.Errorf("%d requests, want %d for each batch", requests, c.requests)
			}
			// Standard output has all of them, and says once what is wrong.
			if n := strings.Count(out.String(), `"stream opened"`); n != 50 {
				t.Errorf("%d lines on standard output", n)
			}
			said := strings.Count(out.String(), "Loki does not take the log")
			if c.reason == "" && said != 0 || c.reason != "" && said != 1 {
				t.Errorf("standard output says %d times that Loki fails", said)
			}
		})
	}
}

// An answer that is none does not count as sent.
func TestBrokenAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"cut off": "", "garbage": "\x00\x01\x02 no HTTP\r\n\r\n", "half": "HTTP/1.1 204",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(conn, answer)
				conn.Close()
			}))
			defer server.Close()
			l, a := begin(t, server.URL, io.Discard, quick())
			logMany(l, 50)
			closeWithin(t, l, time.Minute)
			if _, dropped := a.awaitAll(t, 50); dropped[outbox.Unavailable] != 50 {
				t.Errorf("dropped %v", dropped)
			}
		})
	}
}

// Each push has a connection of its own, and ends it.
func TestNoConnectionIsLeft(t *testing.T) {
	server := answers(t, 204)
	l, a := begin(t, server.URL, io.Discard, quick())
	for n := 1; n <= 10; n++ {
		logMany(l, 1)
		a.awaitAll(t, n)
	}
	eventually(t, "the connections to end", func() bool { _, _, open := server.counts(); return open == 0 })
	closeWithin(t, l, time.Second)
}
