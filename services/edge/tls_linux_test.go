package main

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"syscall"

	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// insecure is a client for certificates of tests.
var insecure = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}

// selfSigned makes a certificate for this machine.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "sluice-edge-tls-") // t.TempDir is for one user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "edge"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, &about, &about, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "EC PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// behindTLS runs a hub and an edge that speaks TLS in front of it.
func behindTLS(t *testing.T) (*door, *hub) {
	t.Helper()
	cert, key := selfSigned(t)
	names := newNames(t)
	names.is("127.0.0.1")
	address := programtest.FreeAddress(t)
	e := prepare(t)
	listen := strings.TrimPrefix(e.url, "http://")
	e.url = "https://" + listen
	e.start(t, "--listen", listen, "--hub", "hub:"+portOf(address), "--resolver", names.address, "--tls-cert", cert, "--tls-key", key)
	return e, newHub(t, address, t.TempDir())
}

// shake makes a handshake with the edge.
func (e *door) shake(config *tls.Config) (*tls.Conn, error) {
	config.InsecureSkipVerify = true
	return tls.Dial("tcp", strings.TrimPrefix(e.url, "https://"), config)
}

// TLS is spoken in versions 1.2 and 1.3, with HTTP/1.1 and HTTP/2; streams,
// publishes and refusals go through both.
func TestTLS(t *testing.T) {
	e, h := behindTLS(t)
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := e.shake(&tls.Config{MinVersion: version, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("version %x: %v", version, err)
		}
		if err == nil {
			c.Close()
		}
	}
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: proto == "HTTP/2.0"}}
		stream, err := client.Get(e.url + "/v1/events?topic=orders")
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stream.Body)
		lineWith(t, lines, "event: stream.open")
		answer, err := client.Post(e.url+"/v1/topics/orders/events", "text/plain", strings.NewReader(proto))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if stream.Proto != proto || answer.Proto != proto || answer.StatusCode != http.StatusCreated {
			t.Errorf("stream %s, publish %s %s, want %s", stream.Proto, answer.Proto, answer.Status, proto)
		}
		lineWith(t, lines, "data: "+proto)
		// Of a body of unknown length nothing is kept.
		read, write := io.Pipe()
		go func() {
			io.WriteString(write, "in parts")
			write.Close()
		}()
		if answer, err = client.Post(e.url+"/v1/topics/orders/events", "text/plain", read); err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			t.Errorf("%s in parts: %s", proto, answer.Status)
		}
		lineWith(t, lines, "data: in parts")
		stream.Body.Close()
		client.CloseIdleConnections()
	}
	h.kill()
	answer, err := insecure.Get(e.url + "/v1/events?topic=orders")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	wantsRejected(t, answer, string(text), http.StatusBadGateway)
}

// Plain HTTP to the same port is sent on to where it came, with TLS.
func TestPlainIsSentOn(t *testing.T) {
	e, _ := behindTLS(t)
	once := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := once.Post("http"+strings.TrimPrefix(e.url, "https")+"/v1/topics/orders/events?type=a", "text/plain", strings.NewReader("data"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	wantsProblem(t, answer, string(text), http.StatusPermanentRedirect, "moved")
	if got, want := answer.Header.Get("Location"), e.url+"/v1/topics/orders/events?type=a"; got != want {
		t.Errorf("sent on to %q, want %q", got, want)
	}
}

// The part of the health score that is about TLS is real behind the edge: each
// handshake that succeeds makes it better, one that fails begins anew.
func TestScoreCountsHandshakes(t *testing.T) {
	e, _ := behindTLS(t)
	shaken := func(n int) {
		t.Helper()
		for range n {
			answer, err := insecure.Get(e.url + "/") // each with a connection of its own
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
	}
	score := func(client *http.Client) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", e.url+"/any/path", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Heartbeat", "true")
		r.Header.Set("X-Edge-Handshakes", "0") // nobody's word but the edge's
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if client != insecure && answer.ProtoMajor != 2 {
			t.Errorf("the probe is %s", answer.Proto)
		}
		n, err := strconv.Atoi(answer.Header.Get("X-Health-Score"))
		if err != nil {
			t.Fatalf("no score: %s", answer.Status)
		}
		return n
	}
	shaken(8)
	await(t, "many handshakes count", func() bool { return score(insecure) >= 95 })
	// 0.5 R + 0.2 Q is 70; with the probe's own handshake T is 50. Those before it
	// may be noted later, so there is another failure each time.
	await(t, "a failure begins anew", func() bool {
		if c, err := e.shake(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}); err == nil {
			c.Close()
			t.Fatal("TLS 1.0 is spoken")
		}
		second := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
		got := score(second)
		return got >= 70 && got <= 93
	})
	shaken(8)
	await(t, "they count again", func() bool { return score(insecure) >= 95 })
}

// A new certificate is taken at a reload.
func TestNewCertificate(t *testing.T) {
	e, _ := behindTLS(t)
	serial := func() string {
		c, err := e.shake(&tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	cert, key := selfSigned(t)
	for i, from := range []string{cert, key} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to := e.cmd.Args[len(e.cmd.Args)-3+2*i] // as behindTLS gave them
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, "the new one is there", func() bool { return serial() != before })
}
