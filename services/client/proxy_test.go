package client_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/sluice-stream/sluice/services/client"
)

// A client of its own goes through the proxy of the environment, which a
// process reads once: the test runs itself again.
func TestProxyOfTheEnvironment(t *testing.T) {
	if os.Getenv("CLIENT_TEST_PROXIED") != "" {
		got, err := collect(t.Context(), client.Options{URL: "http://hub.invalid", Topics: []string{"a"}}, 1)
		if err != nil || got[0] != "http://hub.invalid/v1/events?topic=a" {
			t.Errorf("got %q, %v", got, err)
		}
		return
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		streaming(w, "data: "+r.URL.String()+"\n\n")
	}))
	defer proxy.Close()
	c := exec.Command(os.Args[0], "-test.run=^TestProxyOfTheEnvironment$")
	c.Env = append(os.Environ(), "CLIENT_TEST_PROXIED=1", "HTTP_PROXY="+proxy.URL)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
