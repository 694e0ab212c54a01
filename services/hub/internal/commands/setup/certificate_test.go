package setup

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// initialize runs the command for a certificate alone and returns what it says.
func initialize(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := Run(args, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// ensureAt makes one at another time.
func ensureAt(t *testing.T, dir string, at time.Time) {
	t.Helper()
	c := newCertificate(dir, nil)
	c.now = at
	if err := c.ensure(&strings.Builder{}); err != nil {
		t.Fatal(err)
	}
}

// pair reads the certificate of a folder with its key.
func pair(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	p, err := tls.LoadX509KeyPair(filepath.Join(dir, certFile), filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "tls")
	said := initialize(t, "--tls", dir, "--tls-name", "hub.example,10.0.0.7", "--tls-name", "*.sse.example")
	if !strings.Contains(said, "in "+dir+" made self-signed.key, self-signed.crt") || !strings.Contains(said, "hub.example") || !strings.Contains(said, "--cacert") {
		t.Errorf("it says %s", said)
	}
	leaf := pair(t, dir).Leaf
	trust := x509.NewCertPool()
	trust.AddCert(leaf)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "edge", "hub.example", "10.0.0.7", "a.sse.example"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: trust}); err != nil {
			t.Errorf("for %s: %v", name, err)
		}
	}
	if leaf.VerifyHostname("other.example") == nil || leaf.IsCA {
		t.Error("it is for any name, or makes others that are")
	}
	if key, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("its key is a %T", leaf.PublicKey)
	}
	if d := leaf.NotAfter.Sub(leaf.NotBefore); d > 825*24*time.Hour || d < 820*24*time.Hour || time.Since(leaf.NotBefore) < time.Minute {
		t.Errorf("it is good from %v for %v", leaf.NotBefore, d)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]os.FileMode{"": 0o751, certFile: 0o444, keyFile: 0o440} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q has %v, want %v (%v)", name, info.Mode().Perm(), want, err)
		}
	}
}

// What is there stays, whoever made it, and what was asked for since is told.
func TestCertificateStays(t *testing.T) {
	dir := t.TempDir()
	initialize(t, "--tls", dir)
	cert, key := text(t, filepath.Join(dir, certFile)), text(t, filepath.Join(dir, keyFile))
	said := initialize(t, "--tls", dir, "--tls-name", "hub.example", "--tls-name", "edge")
	if !strings.Contains(said, "kept self-signed.key, self-signed.crt") || !strings.Contains(said, "not for hub.example: delete") || strings.Contains(said, "not for edge") {
		t.Errorf("it says %s", said)
	}
	if cert != text(t, filepath.Join(dir, certFile)) || key != text(t, filepath.Join(dir, keyFile)) {
		t.Error("it was replaced")
	}
}

// One of its own that is over, or soon, is made anew, of the same key; and so is
// one whose key is gone.
func TestCertificateIsRenewed(t *testing.T) {
	for name, c := range map[string]struct {
		age     time.Duration
		renewed bool
	}{
		"over":        {2000 * 24 * time.Hour, true},
		"over soon":   {certificateFor - renewBefore + time.Hour, true},
		"good enough": {certificateFor - renewBefore - 24*time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ensureAt(t, dir, time.Now().Add(-c.age))
			old := pair(t, dir)
			said := initialize(t, "--tls", dir)
			now := pair(t, dir)
			if renewed := !now.Leaf.Equal(old.Leaf); renewed != c.renewed || strings.Contains(said, "made self-signed.crt") != c.renewed || !strings.Contains(said, "kept self-signed.key") {
				t.Errorf("renewed %v; it says %s", renewed, said)
			}
			if c.renewed && time.Until(now.Leaf.NotAfter) < 800*24*time.Hour {
				t.Errorf("the new one is good until %v", now.Leaf.NotAfter)
			}
			if !now.PrivateKey.(*ecdsa.PrivateKey).Equal(old.PrivateKey) {
				t.Error("the key is another")
			}
		})
	}
	dir := t.TempDir()
	initialize(t, "--tls", dir)
	if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if said := initialize(t, "--tls", dir); !strings.Contains(said, "made self-signed.key, self-signed.crt") {
		t.Errorf("without the key it says %s", said)
	}
	pair(t, dir)
}

// foreign puts a certificate that somebody else made into a folder, and its key.
func foreign(t *testing.T, dir string, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a company's"}, DNSNames: []string{"hub.example"},
		NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{certFile: armored("CERTIFICATE", der), keyFile: armored("PRIVATE KEY", private)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What somebody else has put there stays, even when it is over.
func TestForeignCertificateStays(t *testing.T) {
	dir := t.TempDir()
	foreign(t, dir, time.Now().Add(-time.Hour))
	before := text(t, filepath.Join(dir, certFile))
	said := initialize(t, "--tls", dir)
	if !strings.Contains(said, "kept self-signed.key, self-signed.crt") || !strings.Contains(said, "for hub.example, until") || strings.Contains(said, "signs itself") {
		t.Errorf("it says %s", said)
	}
	if before != text(t, filepath.Join(dir, certFile)) {
		t.Error("it was replaced")
	}
}

// Several that begin at the same time make one that goes with its key.
func TestCertificateAtTheSameTime(t *testing.T) {
	for _, old := range []bool{false, true} {
		dir := t.TempDir()
		if old {
			ensureAt(t, dir, time.Now().Add(-certificateFor))
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := Run([]string{"--tls", dir}, &bytes.Buffer{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		pair(t, dir)
		if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
			t.Errorf("there is %v, %v", list, err)
		}
	}
}

func TestCertificateSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(name, text string) string {
		dir := t.TempDir()
		foreign(t, dir, time.Now().Add(time.Hour))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	other, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	alone := t.TempDir()
	if err := os.WriteFile(filepath.Join(alone, keyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"of the certificate":                  {"--tls", filepath.Join(file, "below")},
		"or name another in --tls":            {"--tls", file},
		"--tls is missing":                    {"--dir", t.TempDir(), "--tls-name", "a"},
		"neither the name of a host":          {"--tls", t.TempDir(), "--tls-name", "https://a"},
		"does not go with self-signed.key":    {"--tls", with(keyFile, other)},
		"not PEM: delete both":                {"--tls", with(certFile, "x")},
		"is empty or not a file":              {"--tls", with(keyFile, "")},
		"is no key that hub init made: it is": {"--tls", alone},
	} {
		var out bytes.Buffer
		if err := Run(args, &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%v: %v (want %s), and it prints %q", args, err, want, &out)
		}
	}
}

// Who has the tokens gets the certificate to trust, and not its key; a new one
// takes the place of the old.
func TestCopyOfTheCertificate(t *testing.T) {
	dir := t.TempDir()
	secrets, tokens, certificate := filepath.Join(dir, "secrets"), filepath.Join(dir, "tokens"), filepath.Join(dir, "tls")
	made := func() string {
		t.Helper()
		initialize(t, "--dir", secrets, "--tokens", tokens, "--tls", certificate)
		original, err := os.ReadFile(filepath.Join(certificate, certFile))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(tokens, certFile)); err != nil || string(text) != string(original) {
			t.Errorf("the copy is %q, %v", text, err)
		}
		if _, err := os.Stat(filepath.Join(tokens, keyFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the key: %v", err)
		}
		return string(original)
	}
	first := made()
	if made() != first {
		t.Error("it was made anew")
	}
	for _, name := range []string{certFile, keyFile} {
		if err := os.Remove(filepath.Join(certificate, name)); err != nil {
			t.Fatal(err)
		}
	}
	if made() == first {
		t.Error("it was not made anew")
	}
}
