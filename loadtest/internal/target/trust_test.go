package target

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// newCertificate makes one that signs itself, for names of hosts and addresses,
// and returns it as text too.
func newCertificate(t *testing.T, names ...string) (*tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// secure is a server that takes each event and whose streams have one event each.
type secure struct {
	*httptest.Server
	certificate atomic.Pointer[tls.Certificate] // of the next handshake
}

func startSecure(t *testing.T, certificate *tls.Certificate) *secure {
	t.Helper()
	s := &secure{}
	s.certificate.Store(certificate)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"topic":"orders","id":"1-0"}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1-0\ndata: x\n\n")
	}))
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*s.certificate.Load()}, NextProtos: []string{"h2", "http/1.1"}}, nil
	}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that clients end
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// both publishes and reads one event.
func both(t *testing.T, h *Hub) (published, read error) {
	t.Helper()
	p, done, err := h.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	_, published = p.Publish(t.Context(), "orders", client.Message{Data: "x"})
	return published, readOne(t.Context(), h)
}

// readOne reads one event, and returns why there is none after one attempt.
func readOne(ctx context.Context, h *Hub) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	o := client.Options{Topics: []string{"orders"}, Spare: -1, OnState: func(s client.State) {
		if s.Phase == client.Waiting {
			end(s.Err)
		}
	}}
	for _, err := range h.Subscribe(ctx, o) {
		return err
	}
	return errors.New("there is no event")
}

// A hub is believed whose authority is in the file, for the address that it is
// asked at or the name that was given, by what publishes and by what reads.
func TestTrust(t *testing.T) {
	local, localPEM := newCertificate(t, "127.0.0.1")
	named, namedPEM := newCertificate(t, "hub.example")
	_, otherPEM := newCertificate(t, "127.0.0.1", "hub.example")
	file := filepath.Join(t.TempDir(), "ca.pem")
	for name, c := range map[string]struct {
		server         *tls.Certificate
		file, certName string
		want           string // in the errors; empty: none
	}{
		"no file":                {local, "", "", "--tls-ca names a file"},
		"its own":                {local, localPEM, "", ""},
		"one of several":         {local, otherPEM + "\nwords between\n" + localPEM, "", ""},
		"another's":              {local, otherPEM, "", "--tls-ca names a file"},
		"another name":           {named, namedPEM, "", "--tls-name says for which name"},
		"the name that is given": {named, namedPEM, "hub.example", ""},
		"not the one that is":    {local, localPEM, "hub.example", "--tls-name says for which name"},
		"a name and no file":     {named, "", "hub.example", "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &Hub{URL: startSecure(t, c.server).URL, TLSName: c.certName}
			if c.file != "" {
				write(t, file, c.file)
				h.TLSCA = file
			}
			if err := h.Validate(); err != nil {
				t.Fatal(err)
			}
			published, read := both(t, h)
			for what, err := range map[string]error{"publishing": published, "reading": read} {
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%s: %v, want %q", what, err, c.want)
				}
			}
		})
	}
}

// A file that is replaced while all goes on is taken up; until then, and while it
// is not whole, what it held holds.
func TestTrustIsTakenUp(t *testing.T) {
	old, oldPEM := newCertificate(t, "127.0.0.1")
	renewed, renewedPEM := newCertificate(t, "127.0.0.1")
	s := startSecure(t, old)
	h := &Hub{URL: s.URL, TLSCA: filepath.Join(t.TempDir(), "ca.pem")}
	write(t, h.TLSCA, oldPEM)
	p, done, err := h.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	publish := func() error {
		_, err := p.Publish(t.Context(), "orders", client.Message{Data: "x"})
		return err
	}
	if err := publish(); err != nil {
		t.Fatal(err)
	}
	for broken, want := range map[string]string{"": "no such file", "half of a certif": "there is no certificate in"} {
		if runtime.GOOS == "windows" && broken == "" {
			continue // it says so in other words
		}
		if err := os.Remove(h.TLSCA); err != nil {
			t.Fatal(err)
		}
		if broken != "" {
			write(t, h.TLSCA, broken)
		}
		if published, read := publish(), readOne(t.Context(), h); published != nil || read != nil {
			t.Errorf("while the file holds %q: %v, %v", broken, published, read)
		}
		s.certificate.Store(renewed)
		if err := readOne(t.Context(), h); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("the certificate is another, and the file holds %q: %v", broken, err)
		}
		s.certificate.Store(old)
		write(t, h.TLSCA, oldPEM)
		if err := publish(); err != nil {
			t.Error(err)
		}
	}
	s.certificate.Store(renewed)
	s.CloseClientConnections()
	if err := publish(); err == nil {
		t.Error("who is not trusted is published to")
	}
	write(t, h.TLSCA, renewedPEM+"\n") // of another length, whatever the clock of the files does
	if published, read := publish(), readOne(t.Context(), h); published != nil || read != nil {
		t.Errorf("after the file was replaced: %v, %v", published, read)
	}
}

// The authorities of the system, which a process reads once, are trusted beside
// those in the file: the test runs itself again with others.
func TestTrustIsBesideTheSystems(t *testing.T) {
	const system, file = "TARGET_TEST_SYSTEM", "TARGET_TEST_FILE"
	if os.Getenv(system) != "" {
		for _, name := range []string{system, file} {
			h := &Hub{URL: os.Getenv(name), TLSCA: os.Getenv(file + "_CA")}
			if published, read := both(t, h); published != nil || read != nil {
				t.Errorf("%s: %v, %v", name, published, read)
			}
		}
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the authorities of this system are not in files that can be named")
	}
	one, onePEM := newCertificate(t, "127.0.0.1")
	two, twoPEM := newCertificate(t, "127.0.0.1")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one"), onePEM)
	write(t, filepath.Join(dir, "two"), twoPEM)
	c := exec.Command(os.Args[0], "-test.run=^TestTrustIsBesideTheSystems$")
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(dir, "one"), "SSL_CERT_DIR="+dir+"/none", system+"="+startSecure(t, one).URL,
		file+"="+startSecure(t, two).URL, file+"_CA="+filepath.Join(dir, "two"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestTrustSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	_, good := newCertificate(t, "hub.example")
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	for name, text := range map[string]string{"empty": "", "key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "broken": good + broken} {
		write(t, filepath.Join(dir, name), text)
	}
	for args, want := range map[string]string{
		"--tls-ca DIR/none":             "name a PEM file",
		"--tls-ca DIR/empty":            "there is no certificate in",
		"--tls-ca DIR/key":              "there is no certificate in",
		"--tls-ca DIR/broken":           "certificate 2 of",
		"--tls-ca DIR":                  "--tls-ca: read ",
		"--tls-name https://hub":        "is not a name",
		"--tls-name hub:443":            "is not a name",
		"--tls-name ::1":                "",
		"--tls-name hub.example":        "",
		"--url http://a --tls-ca DIR/x": "", // as for curl
	} {
		h := &Hub{}
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		h.Flags(set)
		if err := set.Parse(strings.Fields("--url https://hub.example " + strings.ReplaceAll(args, "DIR", dir))); err != nil {
			t.Fatal(err)
		}
		if err := h.Validate(); (want == "") != (err == nil) || want != "" && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
