package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// AnyHost among the allowed hosts allows every name.
const AnyHost = "*"

// validateAccess checks who may reach the hub and how.
func (s *Settings) validateAccess() error {
	var errs []error
	for _, a := range []struct{ name, address string }{{"listen", s.Listen}, {"admin-listen", s.AdminListen}} {
		if err := validateAddress(a.name, a.address); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if !s.InsecureOpenAccess && !s.Guarded() && !loopbackAddress(s.Listen) {
		errs = append(errs, fmt.Errorf("--listen %s can be reached from other machines, and everybody there could publish and subscribe: "+
			"give the hub a key for tokens with --jwt-secret-file, --jwt-public-key-file or --jwks-url, listen on 127.0.0.1, "+
			"or accept that with --insecure-open-access", s.Listen))
	}
	errs = append(errs, s.validateKeys())
	if s.AdminTokenFile == "" && !loopbackAddress(s.AdminListen) {
		errs = append(errs, fmt.Errorf("--admin-listen %s can be reached from other machines, and everybody there could profile and drain the hub: "+
			"listen on 127.0.0.1, or name a file with a token in --admin-token-file", s.AdminListen))
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		errs = append(errs, errors.New("--tls-cert and --tls-key belong together: name both files, or neither to serve without TLS"))
	}
	for _, origin := range s.CORSOrigins {
		errs = append(errs, validateOrigin(origin))
	}
	for _, host := range s.AllowedHosts {
		if host != AnyHost && !validHostName(host) {
			errs = append(errs, fmt.Errorf("--allowed-host %q is not a name: write it like hub.example, without scheme and port, or * for any", host))
		}
	}
	return errors.Join(errs...)
}

// Guarded reports whether tokens are wanted.
func (s *Settings) Guarded() bool { return s.JWTSecretFile+s.JWTPublicKeyFile+s.JWKSURL != "" }

// validateKeys checks what tokens are checked with.
func (s *Settings) validateKeys() error {
	given := 0
	for _, setting := range []string{s.JWTSecretFile, s.JWTPublicKeyFile, s.JWKSURL} {
		if setting != "" {
			given++
		}
	}
	if given > 1 {
		return errors.New("--jwt-secret-file, --jwt-public-key-file and --jwks-url exclude each other: choose the one that the issuer of tokens signs for")
	}
	if s.AccessTokenQuery && given == 0 {
		return errors.New("--access-token-query says where tokens may be, but none is wanted: name the key that they are checked with, " +
			"with --jwt-secret-file, --jwt-public-key-file or --jwks-url")
	}
	if s.JWKSURL == "" {
		return nil
	}
	if u, err := url.Parse(s.JWKSURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("--jwks-url is not an address: write it like https://issuer.example/.well-known/jwks.json")
	}
	return nil
}

// validateAddress wants host:port.
func validateAddress(name, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--%s %q is not an address: write it like 127.0.0.1:8080", name, address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("--%s %q: %q is not a port", name, address, port)
	}
	return nil
}

// loopbackAddress reports whether only this machine can reach an address.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopback(host)
}

// loopback reports whether every address of host is this machine's own.
func loopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	if host == "" {
		return false // all interfaces
	}
	ips, err := net.LookupIP(host)
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false
		}
	}
	return err == nil && len(ips) > 0
}

// validateOrigin wants an origin exactly as browsers send it.
func validateOrigin(origin string) error {
	if origin == "*" {
		return errors.New("--cors-origin * would let every page that a user visits publish and read in the user's name: " +
			"name the origins that may, like https://app.example")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !validHostName(u.Hostname()) && net.ParseIP(u.Hostname()) == nil {
		return fmt.Errorf("--cors-origin %q is not an origin: write scheme://host or scheme://host:port, like https://app.example", origin)
	}
	usual := u.Scheme + "://" + strings.ToLower(u.Host)
	if u.Scheme == "http" {
		usual = strings.TrimSuffix(usual, ":80")
	} else {
		usual = strings.TrimSuffix(usual, ":443")
	}
	if origin != usual {
		return fmt.Errorf("--cors-origin %q never comes so from a browser: write it as %s", origin, usual)
	}
	return nil
}

// validHostName reports whether a name can be a host's, in ASCII (RFC 1123,
// with the underscores that some networks of containers use).
func validHostName(name string) bool {
	return len(name) <= 253 && strings.Trim(name, "-.") == name && validNameBytes(name)
}
