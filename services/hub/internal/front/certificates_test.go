package front

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writePair makes a certificate of a serial number, in two files of a folder.
// Each is written as later than the one before.
func writePair(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), serial)
	writeFile(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), serial)
	return certFile, keyFile
}

func writeFile(t *testing.T, path string, content []byte, second int64) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(second, 0)); err != nil {
		t.Fatal(err)
	}
}

// A renewed certificate is taken up within a minute; half a one, or none, is
// said and leaves the old one in use.
func TestCertificateRenewal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		certFile, keyFile := writePair(t, dir, 1)
		c, err := loadCertificates(certFile, keyFile, slog.New(slog.NewJSONHandler(&logs, nil)))
		if err != nil {
			t.Fatal(err)
		}
		serves := func(serial int64) {
			t.Helper()
			pair, err := c.get(nil)
			if err != nil || pair.Leaf.SerialNumber.Int64() != serial {
				t.Errorf("serves number %v, %v; want %d", pair.Leaf.SerialNumber, err, serial)
			}
		}
		serves(1)
		writePair(t, dir, 2)
		time.Sleep(certificateCheck - 1)
		serves(1)
		time.Sleep(1)
		serves(2)

		other := t.TempDir()
		otherCert, otherKey := writePair(t, other, 3)
		half, err := os.ReadFile(otherCert)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, certFile, half, 3)
		logs.Reset()
		time.Sleep(certificateCheck)
		serves(2)
		if !strings.Contains(logs.String(), "stays as it was") {
			t.Errorf("a certificate without its key: %s", &logs)
		}
		rest, err := os.ReadFile(otherKey)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, keyFile, rest, 3)
		time.Sleep(certificateCheck)
		serves(3)

		if err := os.Remove(keyFile); err != nil {
			t.Fatal(err)
		}
		logs.Reset()
		time.Sleep(certificateCheck)
		serves(3)
		if !strings.Contains(logs.String(), "--tls-key") {
			t.Errorf("a key that is gone: %s", &logs)
		}
		if strings.Contains(logs.String(), "PRIVATE") {
			t.Error("the key is logged")
		}
	})
}
