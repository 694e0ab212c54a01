package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// identity is a certificate that signs itself, in files.
type identity struct {
	cert, key string
	pool      *x509.CertPool // those who trust it
}

func (i identity) settings() []string { return []string{"--tls-cert", i.cert, "--tls-key", i.key} }

// client returns one that trusts the certificate.
func (i identity) client(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.pool}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// newIdentity makes a certificate for loopback that is good until a time.
func newIdentity(t *testing.T, until time.Time) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "hub"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	i := identity{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
	for path, block := range map[string]*pem.Block{i.cert: {Type: "CERTIFICATE", Bytes: der}, i.key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	i.pool.AddCert(parsed)
	return i
}

// Over TLS there are both versions of HTTP, and streams over each: replayed,
// live, alive while idle, ended in order.
func TestTLS(t *testing.T) {
	t.Parallel()
	id := newIdentity(t, time.Now().Add(time.Hour))
	for _, version := range []int{1, 2} {
		h := startHub(t, append(id.settings(), "--heartbeat-interval", "50ms")...)
		if !strings.HasPrefix(h.public, "https://") || !strings.HasPrefix(h.admin, "https://") {
			t.Fatalf("the start line says %s, %s", h.public, h.admin)
		}
		client := id.client(t, version == 2)
		first := publishTLS(t, client, h, "first")
		answer, err := client.Get(h.public + "/v1/events?topic=orders&last_event_id=0")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.ProtoMajor != version || answer.StatusCode != 200 || answer.Header.Get("X-Trace-Id") == "" {
			t.Fatalf("HTTP/%d: %s %v", answer.ProtoMajor, answer.Status, answer.Header)
		}
		pings := &pingCounter{from: answer.Body}
		s := &stream{Decoder: wire.NewDecoder(pings), t: t}
		if m, err := s.Next(); err != nil || m.Type != "stream.open" {
			t.Fatalf("%+v, %v", m, err)
		}
		s.expect(first)
		s.expect(publishTLS(t, client, h, "live"))
		second := make(chan wire.Message, 1)
		time.AfterFunc(300*time.Millisecond, func() { second <- publishTLS(t, client, h, "after some silence") })
		m, err := s.Next()
		if want := <-second; err != nil || m != want {
			t.Fatalf("read %+v, %v; want %+v", m, err, want)
		}
		if pings.seen < 2 {
			t.Errorf("HTTP/%d: %d heartbeats in 300 ms", version, pings.seen)
		}
		if answer, _ := ask(t, client, "POST", h.admin+"/v1/drain", "", nil); answer.StatusCode != 202 || answer.ProtoMajor != version {
			t.Errorf("drain: %s %s", answer.Proto, answer.Status)
		}
		for err == nil {
			_, err = s.Next()
		}
		if err != io.EOF {
			t.Errorf("HTTP/%d: the stream ended with %v", version, err)
		}
		if <-h.done; h.err != nil {
			t.Error(h.err)
		}
	}
}

// pingCounter counts the heartbeats that are read through it.
type pingCounter struct {
	from io.Reader
	seen int
}

func (p *pingCounter) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.seen += bytes.Count(b[:n], []byte(": ping"))
	return n, err
}

func publishTLS(t *testing.T, client *http.Client, h *runningHub, data string) wire.Message {
	id, err := publishOnce(client, h.public+"/v1/topics/orders/events", data)
	if err != nil {
		t.Error(err)
	}
	return wire.Message{ID: id.String(), Type: "message", Data: data}
}

func TestTLSRefusesTheOld(t *testing.T) {
	id := newIdentity(t, time.Now().Add(time.Hour))
	h := startHub(t, id.settings()...)
	for _, base := range []string{h.public, h.admin} {
		address := strings.TrimPrefix(base, "https://")
		_, err := tls.Dial("tcp", address, &tls.Config{RootCAs: id.pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		if err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("TLS 1.1 to %s: %v", base, err)
		}
		if answer, _ := ask(t, http.DefaultClient, "GET", "http://"+address+"/readyz", "", nil); answer.StatusCode != 400 {
			t.Errorf("plain HTTP to %s: %s", base, answer.Status)
		}
	}
}

func TestBadCertificates(t *testing.T) {
	one, two := newIdentity(t, time.Now().Add(time.Hour)), newIdentity(t, time.Now().Add(time.Hour))
	for want, files := range map[string]identity{
		"private key does not match public key": {cert: one.cert, key: two.key},
		"name a PEM file that exists":           {cert: one.cert + "x", key: one.key},
		"--tls-key: ":                           {cert: one.cert, key: one.key + "x"},
		"both must be PEM":                      {cert: "tls_test.go", key: one.key},
	} {
		h := newRunningHub(t, files.settings()...)
		if <-h.done; h.err == nil || !strings.Contains(h.err.Error(), want) {
			t.Errorf("%s: %v", want, h.err)
		}
	}
	h := startHub(t, newIdentity(t, time.Now().Add(-time.Minute)).settings()...)
	if line, _ := h.awaitLog("tls", "not_after"); line["level"] != "WARN" || !strings.Contains(line["msg"].(string), "expired") {
		t.Errorf("an expired certificate: %v", line)
	}
}
