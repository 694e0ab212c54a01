package front

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
)

// A token in the query is known to who asks for it, and to nobody who looks
// at the address, whether or not it counts there.
func TestQueryTokenIsTakenOut(t *testing.T) {
	proxy, err := admission.ParseProxy("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	handler := newTestFront(t, nil).traced(admission.Proxies{proxy}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c := CallerOf(r)
		if !c.inQuery || c.queryToken != "s3cret" || !c.Forwarded || c.Address.String() != "198.51.100.7" {
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
