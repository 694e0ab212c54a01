package probe

import (
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
)

// A hub with a certificate of its own is probed by whom was told of it, also
// where it is for another name than the hub is asked at.
func TestProbeOverTLS(t *testing.T) {
	t.Parallel()
	cert, settings := hubtest.Certificate(t, "hub.example")
	hub := hubtest.Start(t, settings...)
	well := startProber(t, "https://"+hub.Public, append(quickly, "--tls-ca", cert)...)
	named := startProber(t, "https://"+hub.Public, append(quickly, "--tls-ca", cert, "--tls-name", "edge")...)
	untold := startProber(t, "https://"+hub.Public, quickly...)
	misnamed := startProber(t, "https://"+hub.Public, append(quickly, "--tls-ca", cert, "--tls-name", "other.example")...)
	for _, p := range []*prober{well, named} {
		p.awaitGood()
		if n := p.metric("sse_probe_failures_total"); n > 0 {
			t.Errorf("%v rounds failed: %s", n, &p.out)
		}
	}
	for text, p := range map[string]*prober{"--tls-ca names": untold, "--tls-name says": misnamed} {
		p.awaitFailures(failedPublish)
		hubtest.AwaitLine(t, &p.out, text)
	}
}
