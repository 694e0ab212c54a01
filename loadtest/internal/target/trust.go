package target

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// trust is by what the certificate of a hub is checked. A file of authorities
// that is replaced is taken up with the next request.
type trust struct {
	mu     sync.Mutex // guards what follows, held while the file is read
	seen   stamp      // the file that config came from
	config *tls.Config
}

// stamp tells whether a file is still the one that it was.
type stamp struct {
	modified time.Time
	size     int64
}

// usual reports whether certificates are checked as the system does it.
func (h *Hub) usual() bool {
	return !strings.HasPrefix(h.URL, "https:") || h.TLSCA == "" && h.TLSName == ""
}

// TLS returns how to check the hub's certificate, for a transport that is used
// once; nil is as the system does. What is wrong with it, requests of Client say.
func (h *Hub) TLS() *tls.Config {
	config, _ := h.checks()
	return config.Clone()
}

// checks returns how to check the hub's certificate, the same until the file of
// authorities changes, and not to be changed; nil is as the system does. Where
// the file cannot be read, it is what it held before, with the error; there may
// be nothing before.
func (h *Hub) checks() (*tls.Config, error) {
	if h.usual() {
		return nil, nil
	}
	t := &h.trust
	t.mu.Lock()
	defer t.mu.Unlock()
	var now stamp
	if h.TLSCA != "" {
		info, err := os.Stat(h.TLSCA)
		if err != nil {
			return t.config, fmt.Errorf("--tls-ca: %w: name a PEM file with the certificates of authorities", err)
		}
		now = stamp{info.ModTime(), info.Size()}
	}
	if t.config != nil && now == t.seen {
		return t.config, nil
	}
	config := &tls.Config{ServerName: h.TLSName}
	if h.TLSCA != "" {
		var err error
		if config.RootCAs, err = authorities(h.TLSCA); err != nil {
			return t.config, fmt.Errorf("--tls-ca: %w", err)
		}
	}
	t.config, t.seen = config, now
	return config, nil
}

// authorities returns the system's, and those in a file.
func authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil { // there are none
		pool = x509.NewCertPool()
	}
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of %s: %w", n, path, err)
		}
		pool.AddCert(c)
	}
	if n == 0 {
		return nil, fmt.Errorf("there is no certificate in %s: it has to be PEM, with -----BEGIN CERTIFICATE-----", path)
	}
	return pool, nil
}

// validateTLS checks what says how the certificate is checked.
func (h *Hub) validateTLS() error {
	if h.TLSName != "" && net.ParseIP(h.TLSName) == nil && strings.ContainsAny(h.TLSName, " /:@*") {
		return fmt.Errorf("--tls-name %q is not a name: write it like hub.example", h.TLSName)
	}
	_, err := h.checks()
	return err
}

// advise adds to an error of a request what may help.
func advise(err, stale error) error {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case stale != nil:
		return fmt.Errorf("%w (%w)", err, stale)
	case errors.As(err, &name):
		return fmt.Errorf("%w: --tls-name says for which name it must be", err)
	case errors.As(err, &authority):
		return fmt.Errorf("%w: --tls-ca names a file with authorities that are trusted", err)
	}
	return err
}
