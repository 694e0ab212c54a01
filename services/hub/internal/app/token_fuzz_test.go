package app

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Whatever is presented as a token lets nobody in, and is not repeated.
func FuzzToken(f *testing.F) {
	path := filepath.Join(f.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Repeat("secret", 10)), 0o600); err != nil {
		f.Fatal(err)
	}
	handler := newTestHub(f, eventlog.Memory(eventlog.MemoryOptions{}), func(s *settings.Settings, _ *settings.Times) {
		s.AccessTokenQuery, s.JWTSecretFile = true, path
	}).publicHandler("")
	f.Add("Bearer abc.def.ghi", "sluice_token=x", "access_token=y")
	f.Add("bearer eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTksInB1Ymxpc2giOiIqIn0.", "", "")
	f.Add("", "sluice_token=\"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\"; sluice_token=", "access%5ftoken")
	f.Fuzz(func(t *testing.T, authorization, cookie, query string) {
		for _, method := range []string{"GET", "POST"} {
			path := map[string]string{"GET": front.StreamPath, "POST": "/v1/topics/orders/events"}[method]
			r := httptest.NewRequest(method, path, nil)
			r.Body = io.NopCloser(strings.NewReader(""))
			r.URL.RawQuery = "topic=orders&" + query
			r.Header["Authorization"], r.Header["Cookie"] = []string{authorization}, []string{cookie}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code < 400 && w.Header().Get("Content-Type") != "text/event-stream; charset=utf-8" || w.Code < 400 && !strings.Contains(w.Body.String(), "stream.rejected") {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if w.Code >= 500 || w.Code >= 400 && !json.Valid(w.Body.Bytes()) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if c := w.Header().Get("WWW-Authenticate"); (c == "") == (w.Code == 401) || strings.ContainsAny(c, "\r\n") {
				t.Errorf("%d with the challenge %q", w.Code, c)
			}
		}
	})
}
