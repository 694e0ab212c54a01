package stacktest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// With two settings the edge speaks TLS, with a certificate that init has made;
// plain HTTP is sent on, and the prober goes on through it.
func testTLS(t *testing.T, s *stack) {
	plain := slices.Clone(s.environment)
	address := strings.TrimPrefix(s.url("edge"), "http://")
	defer func() {
		s.environment = plain
		s.must("up", "--detach", "--no-deps", "edge", "prober")
		s.there(t, http.DefaultClient, "http://"+address)
	}()
	began := time.Now().Unix()
	s.environment = append(slices.Clone(plain), "SLUICE_EDGE_TLS_CERT=/run/secrets/tls/self-signed.crt", "SLUICE_EDGE_TLS_KEY=/run/secrets/tls/self-signed.key")
	s.must("up", "--detach", "--no-deps", "edge", "prober")

	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(s.must("exec", "-T", "edge", "cat", "/run/secrets/tls/self-signed.crt"))) {
		t.Fatal("the certificate is none")
	}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	s.there(t, client, "https://"+address)
	bearer := "Bearer " + s.token()
	for scheme, want := range map[string]int{"https://": http.StatusCreated, "http://": http.StatusPermanentRedirect} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", scheme+address+"/v1/topics/orders.tls/events", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", bearer)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want || scheme == "https://" && answer.ProtoMajor != 2 {
			t.Errorf("%s: %s over %s, want %d", scheme, answer.Status, answer.Proto, want)
		}
	}
	// Rounds through TLS, of the prober that has just begun.
	eventually(t, time.Minute, "rounds of the prober", func() error {
		return s.is(fmt.Sprintf(`sum(sse_probe_latency_seconds_count and on (instance) process_start_time_seconds{job="prober"} > %d) > bool 5`, began), "1")
	})
}

// there waits until an edge answers at an address.
func (s *stack) there(t *testing.T, client *http.Client, address string) {
	t.Helper()
	eventually(t, time.Minute, "the edge answers", func() error {
		answer, err := client.Get(address + "/edge/healthz")
		if err != nil {
			return err
		}
		_, err = read(answer, http.StatusOK)
		return err
	})
}
