package setup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// certificateFor is a day less than Apple's systems take.
	certificateFor = 824 * 24 * time.Hour
	// clockSkew is how far the clocks of clients may be behind.
	clockSkew = time.Hour
)

// subject is by what hub init knows a certificate that it made.
func subject() pkix.Name {
	return pkix.Name{Organization: []string{"Sluice"}, CommonName: "self-signed by hub init"}
}

// usualNames are what every certificate is for: this machine, and the edge as
// the other containers of a stack know it.
func usualNames() []string { return []string{"localhost", "127.0.0.1", "::1", "edge"} }

var hostName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// moreNames reads names of --tls-name, of which there may be several with commas
// between.
func moreNames(names *[]string) func(string) error {
	return func(text string) error {
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if net.ParseIP(name) == nil && (len(name) > 253 || !hostName.MatchString(name)) {
				return fmt.Errorf("%q is neither the name of a host nor an address", name)
			}
			*names = append(*names, name)
		}
		return nil
	}
}

// newKey makes a private key.
func newKey() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return armored("PRIVATE KEY", der), err
}

func armored(kind string, der []byte) string {
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// sign makes a certificate of the key. It is no authority: who trusts it trusts
// it for its names and no others.
func (c certificate) sign() (string, error) {
	path := filepath.Join(c.dir, keyFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", c.unwritable(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", noKey(path, errors.New("it is not PEM"))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", noKey(path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return "", noKey(path, fmt.Errorf("it is a %T", parsed))
	}
	template := &x509.Certificate{
		Subject: subject(), NotBefore: c.now.Add(-clockSkew), NotAfter: c.now.Add(-clockSkew + certificateFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range append(usualNames(), c.more...) {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if !slices.Contains(template.DNSNames, name) {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return armored("CERTIFICATE", der), err
}

func noKey(path string, err error) error {
	return fmt.Errorf("%s is no key that hub init made: %w: delete it, and it is made anew", path, err)
}
