package target

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/client"
)

func TestTrace(t *testing.T) {
	w3c := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`)
	seen := map[string]bool{}
	sampled := 0
	for range 1000 {
		trace := NewTrace(0.5)
		if !w3c.MatchString(trace.Header) || trace.Header[3:35] != trace.ID || seen[trace.ID] || strings.HasSuffix(trace.Header, "1") != trace.Sampled {
			t.Fatalf("%+v", trace)
		}
		seen[trace.ID] = true
		if trace.Sampled {
			sampled++
		}
	}
	if sampled < 350 || sampled > 650 {
		t.Errorf("%d of 1000 are sampled at 0.5", sampled)
	}
	if NewTrace(0).Sampled || !NewTrace(1).Sampled {
		t.Error("none and all are not what is sampled")
	}
}

// A token is read anew each time, and goes with what is published; so does the
// trace.
func TestTokenAndTraceAreSent(t *testing.T) {
	got := make(chan http.Header, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusForbidden)
	}))
	defer s.Close()
	h := Hub{URL: s.URL + "/", TokenFile: filepath.Join(t.TempDir(), "token")}
	p, done, err := h.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(h.TokenFile, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		trace := NewTrace(1)
		if _, err := p.Publish(WithTrace(t.Context(), trace), "orders", client.Message{Data: "x"}); err == nil {
			t.Error("a refusal is no error")
		}
		if sent := <-got; sent.Get("Authorization") != "Bearer "+token || sent.Get("Traceparent") != trace.Header {
			t.Errorf("sent was %v", sent)
		}
	}
	for _, text := range []string{"", "two words", strings.Repeat("x", maxToken+1), "ü"} {
		if err := os.WriteFile(h.TokenFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.Validate(); err == nil || !strings.Contains(err.Error(), "holds no token") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
