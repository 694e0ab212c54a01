package publish

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bearers remembers what authorised each publish, and takes all but one.
type bearers struct{ seen []string }

func (b *bearers) RoundTrip(r *http.Request) (*http.Response, error) {
	b.seen = append(b.seen, r.Header.Get("Authorization"))
	w := &http.Response{StatusCode: 201, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(`{"id":"7-0"}`))}
	if r.Header.Get("Authorization") == "Bearer expired" {
		w.StatusCode, w.Status, w.Body = 401, "401 Unauthorized", io.NopCloser(strings.NewReader(`{"detail":"it has expired"}`))
	}
	return w, nil
}

// The token is the one that is in the file when a line is sent.
func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hub := &bearers{}
	s := newSender(options{url: defaultURL, topic: "logs", token: path}, io.Discard)
	s.client.Transport = hub
	for _, row := range []struct{ content, want, why string }{
		{"one\n", "Bearer one", ""},
		{" two ", "Bearer two", ""},
		{"expired", "Bearer expired", "it has expired (--token-file"},
		{"", "", "holds no token"},
		{"two words", "", "holds no token"},
		{"line\r\nInjected: x", "", "holds no token"},
		{strings.Repeat("x", maxToken+1), "", "holds no token"},
	} {
		write(row.content)
		hub.seen = nil
		err := s.send(t.Context(), 1, []byte("x"))
		if (err == nil) != (row.why == "") || err != nil && !strings.Contains(err.Error(), row.why) {
			t.Errorf("%.20q: %v", row.content, err)
		}
		if got := strings.Join(hub.seen, ","); got != row.want {
			t.Errorf("%.20q: authorised by %s", row.content, got)
		}
	}
	os.Remove(path)
	if err := s.send(t.Context(), 1, []byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
