package traces

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// A collector's certificate is checked, against the one that is set.
func TestCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is refused, as it should be
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		file string
		sent int
	}{{file, 3}, {"", 0}} {
		var c counts
		tracing := start(t, &c, Options{Exporter: "otlp", Ratio: 1, Getenv: variables(
			"OTEL_EXPORTER_OTLP_ENDPOINT", server.URL, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", row.file)})
		publish(tracing, 3)
		end(t, tracing, &c, 3, 3*time.Second)
		if sent, dropped, failed := c.get(); sent != row.sent || dropped[outbox.Unavailable] != 3-row.sent {
			t.Errorf("%q: %d sent, dropped %v, told of %v", row.file, sent, dropped, failed)
		}
	}
}
