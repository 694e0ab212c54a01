package front

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often the files of the certificate are looked at.
const certificateCheck = time.Minute

// certificates gives handshakes the certificate in two files, and takes up
// what they are replaced with, so that a renewal needs no restart.
type certificates struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex // guards what follows, held while the files are read
	current *tls.Certificate
	seen    [2]stamp  // the files that current came from
	checked time.Time // when they were last looked at
}

// stamp tells whether a file is still the one that it was.
type stamp struct {
	modified time.Time
	size     int64
}

// loadCertificates reads both files. Its errors say what to do.
func loadCertificates(certFile, keyFile string, logger *slog.Logger) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile, logger: logger, checked: time.Now()}
	return c, c.load()
}

// get implements GetCertificate of a tls.Config.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= certificateCheck {
		c.checked = now
		if err := c.load(); err != nil {
			// Perhaps only one of the files is new yet.
			c.logger.Warn("the certificate stays as it was; the files are looked at again in a minute", "event_type", "tls", "error", err.Error())
		}
	}
	return c.current, nil
}

// load takes the certificate from the files where they have changed. c.mu is
// held, or c not shared yet.
func (c *certificates) load() error {
	var found [2]stamp
	for i, file := range []struct{ setting, path string }{{"tls-cert", c.certFile}, {"tls-key", c.keyFile}} {
		info, err := os.Stat(file.path)
		if err != nil {
			return fmt.Errorf("--%s: %w: name a PEM file that exists and that the hub may read", file.setting, err)
		}
		found[i] = stamp{info.ModTime(), info.Size()}
	}
	if c.current != nil && found == c.seen {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("--tls-cert %s and --tls-key %s: %w: both must be PEM, and the key the one that the first certificate was made for",
			c.certFile, c.keyFile, err)
	}
	c.current, c.seen = &pair, found
	fields := []any{"event_type", "tls", "names", pair.Leaf.DNSNames, "not_before", pair.Leaf.NotBefore, "not_after", pair.Leaf.NotAfter}
	if now := time.Now(); now.Before(pair.Leaf.NotBefore) || now.After(pair.Leaf.NotAfter) {
		c.logger.Warn("the certificate of --tls-cert is expired or not valid yet, and clients will refuse it: renew it, and it is taken up", fields...)
	} else {
		c.logger.Info("the certificate was read", fields...)
	}
	return nil
}

// config is that of both listeners: the admin one too carries a secret.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: c.get,
	}
}
