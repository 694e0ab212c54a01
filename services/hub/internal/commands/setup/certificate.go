package setup

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	certFile = "self-signed.crt"
	keyFile  = "self-signed.key"

	// renewBefore is how long before its end a certificate is made anew.
	renewBefore = 30 * 24 * time.Hour
)

// certificate is one for trying, in two files. The key stays for as long as its
// file does: so the two go together at any moment, whoever reads them.
type certificate struct {
	folder
	more []string  // what it is for beside the usual
	now  time.Time // when it is looked at
}

func newCertificate(dir string, more []string) certificate {
	return certificate{folder{dir, "the certificate", "--tls"}, more, time.Now()}
}

// ensure makes what is missing, or of its own and good for not much longer, and
// tells of it.
func (c certificate) ensure(b *strings.Builder) error {
	if err := c.letPass(); err != nil {
		return err
	}
	var made, kept []string
	note := func(name string, isNew bool) {
		if isNew {
			made = append(made, name)
		} else {
			kept = append(kept, name)
		}
	}
	isNew, err := c.folder.ensure(keyFile, 0o440, newKey)
	if err != nil {
		return err
	}
	note(keyFile, isNew)
	if isNew, err = c.folder.ensure(certFile, 0o444, c.sign); err != nil {
		return err
	}
	leaf, err := c.read()
	if own := leaf != nil && isOwn(leaf); own && (err != nil || c.now.After(leaf.NotAfter.Add(-renewBefore))) {
		if err := c.replace(certFile, 0o444, c.sign); err != nil {
			return err
		}
		isNew = true
		leaf, err = c.read()
	}
	switch {
	case errors.As(err, new(*fs.PathError)):
		return c.unwritable(err)
	case err != nil:
		return fmt.Errorf("%s does not go with %s: %w: delete both, and they are made anew", filepath.Join(c.dir, certFile), keyFile, err)
	}
	note(certFile, isNew)
	list(b, c.dir, made, kept)
	c.tell(b, leaf)
	return nil
}

// copyTo puts the certificate, and no key, where those are who have to trust it.
func (c certificate) copyTo(other folder) error {
	text, err := os.ReadFile(filepath.Join(c.dir, certFile))
	if err != nil {
		return c.unwritable(err)
	}
	if had, err := os.ReadFile(filepath.Join(other.dir, certFile)); err == nil && bytes.Equal(had, text) {
		return nil
	}
	return other.replace(certFile, 0o444, func() (string, error) { return strings.TrimSuffix(string(text), "\n"), nil })
}

// read returns the certificate, also with the error that the key is another's.
func (c certificate) read() (*x509.Certificate, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, certFile))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(c.dir, keyFile))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err == nil {
		_, err = tls.X509KeyPair(text, key)
	}
	return leaf, err
}

// isOwn reports whether hub init made a certificate.
func isOwn(leaf *x509.Certificate) bool {
	return leaf.Subject.String() == subject().String() && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}

// tell says what the certificate is good for.
func (c certificate) tell(b *strings.Builder, leaf *x509.Certificate) {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	path := filepath.Join(c.dir, certFile)
	fmt.Fprintf(b, "The certificate is for %s, until %s.", strings.Join(names, ", "), leaf.NotAfter.Format(time.DateOnly))
	if isOwn(leaf) {
		fmt.Fprintf(b, " It signs itself: clients have to be told to trust it.\n  curl --cacert %s", filepath.ToSlash(path))
	}
	b.WriteString("\n")
	for _, name := range c.more {
		if !slices.Contains(names, name) && leaf.VerifyHostname(name) != nil {
			fmt.Fprintf(b, "It is not for %s: delete %s, and it is made anew.\n", name, path)
		}
	}
}
