package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/golang-jwt/jwt/v5"
)

// Bounds of keys.
const (
	minSecret  = 32 // bytes; HS256 is no stronger than what it has (RFC 7518, section 3.2)
	minRSA     = 2048
	maxKeyFile = 64 << 10
)

// fixed is one key that never changes.
type fixed struct {
	key any
	alg []string
}

func (f *fixed) algorithms() []string                                { return f.alg }
func (f *fixed) find(context.Context, *jwt.Token) (key any, _ error) { return f.key, nil }

// FromSecret returns a verifier of tokens that are signed with the secret in a
// file (HS256): its bytes, without the white space around them.
func FromSecret(path string) (*Verifier, error) {
	secret, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	return newVerifier(&fixed{secret, []string{"HS256"}}), nil
}

func readSecret(path string) ([]byte, error) {
	secret, err := readFile(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: write a secret to that file, such as openssl rand -hex 32 makes", err)
	case bytes.HasPrefix(secret, []byte("-----BEGIN ")):
		return nil, fmt.Errorf("%s holds a key in PEM, not a secret: a public one belongs in --jwt-public-key-file", path)
	case len(secret) < minSecret:
		return nil, fmt.Errorf("%s holds a secret of %d bytes, and %d are the least that is safe: write one to it such as openssl rand -hex 32 makes",
			path, len(secret), minSecret)
	}
	return secret, nil
}

// FromPublicKey returns a verifier of tokens that are signed with the other
// half of the public key in a PEM file.
func FromPublicKey(path string) (*Verifier, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: write the issuer's public key to that file, in PEM", err)
	}
	key, err := publicKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	alg, err := algorithmsOf(key)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return newVerifier(&fixed{key, alg}), nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(content) > maxKeyFile {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxKeyFile)
	}
	return bytes.TrimSpace(content), err
}

// publicKey reads the first block of a PEM file.
func publicKey(text []byte) (any, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("is not a PEM file: want one that begins with -----BEGIN PUBLIC KEY-----")
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = c.PublicKey
		}
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return nil, errors.New("holds a private key, which nobody but the issuer should have: give the hub the public half, as openssl pkey -pubout makes it")
	default:
		return nil, fmt.Errorf("holds a %s, not a public key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("holds a public key that cannot be read: %w", err)
	}
	return key, nil
}

// algorithmsOf returns those that go with a public key.
func algorithmsOf(key any) ([]string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return nil, fmt.Errorf("holds an RSA key of %d bits, and %d are the least that is safe", k.N.BitLen(), minRSA)
		}
		return rsaAlgorithms, nil
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}, nil
		case elliptic.P384():
			return []string{"ES384"}, nil
		case elliptic.P521():
			return []string{"ES512"}, nil
		}
	}
	return nil, errors.New("holds a key of a kind that no token is signed with: use RSA, P-256, P-384, P-521 or Ed25519")
}

var rsaAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
