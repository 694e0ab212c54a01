package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/auth"
)

// A token in the query is known to who asks for it, and to nobody who looks
// at the address, whether or not it counts there.
func TestQueryTokenIsTakenOut(t *testing.T) {
	proxy, err := admission.ParseProxy("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	h := newTestHub(t, eventlog.Memory(eventlog.MemoryOptions{}), nil)
	handler := h.traced(admission.Proxies{proxy}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c := callerOf(r)
		if !c.inQuery || c.queryToken != "s3cret" || !c.forwarded || c.address.String() != "198.51.100.7" {
			t.Errorf("the caller is %+v", c)
		}
		if r.URL.RawQuery != "topic=a&topic=b" || r.RequestURI != "/v1/events?topic=a&topic=b" || strings.Contains(r.URL.String(), "s3cret") {
			t.Errorf("the address is %s, %s", r.URL, r.RequestURI)
		}
	}))
	r := httptest.NewRequest("GET", "/v1/events?topic=a&access%5Ftoken=s3cret&topic=b", nil) // from 192.0.2.1
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	handler.ServeHTTP(httptest.NewRecorder(), r)
}

// Whatever is presented as a token lets nobody in, and is not repeated.
func FuzzToken(f *testing.F) {
	path := filepath.Join(f.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Repeat("secret", 10)), 0o600); err != nil {
		f.Fatal(err)
	}
	h := newTestHub(f, eventlog.Memory(eventlog.MemoryOptions{}), func(h *hub) {
		h.settings.AccessTokenQuery = true
		var err error
		if h.verifier, err = auth.FromSecret(path); err != nil {
			f.Fatal(err)
		}
	})
	handler := h.publicHandler()
	f.Add("Bearer abc.def.ghi", "sluice_token=x", "access_token=y")
	f.Add("bearer eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTksInB1Ymxpc2giOiIqIn0.", "", "")
	f.Add("", "sluice_token=\"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\"; sluice_token=", "access%5ftoken")
	f.Fuzz(func(t *testing.T, authorization, cookie, query string) {
		for _, method := range []string{"GET", "POST"} {
			path := map[string]string{"GET": streamPath, "POST": "/v1/topics/orders/events"}[method]
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
