package demo

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// All of the demo works with a hub that has a certificate of its own.
func TestDemoOverTLS(t *testing.T) {
	t.Parallel()
	cert, settings := hubtest.Certificate(t)
	hub := hubtest.Start(t, append(settings, "--releases", "stable,canary")...)
	out := play(t, "https://"+hub.Public, "--tls-ca", cert, "--tls-name", "edge", "--trace-ratio", "1", "--rate", "50")
	for _, what := range []string{`"topic":"chat.lobby","id"`, `"topic":"demo.bulk","id"`, `"msg":"reading"`, `"msg":"not published"`} {
		hubtest.AwaitLine(t, out, what)
	}
	if text := out.String(); strings.Contains(text, `"level":"WARN"`) {
		t.Errorf("it complains:\n%s", text)
	}
	// Readers without the client package, too.
	d := &demo{options: &options{hub: target.Hub{URL: "https://" + hub.Public, TLSCA: cert, TLSName: "edge"}}}
	first := make([]byte, 1)
	err := d.raw(t.Context(), "topic=chat.lobby&last_event_id=0", time.Minute, func(_ context.Context, body io.Reader) {
		if _, err := io.ReadFull(body, first); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
