// Package admin is the command "hub admin": it asks the admin listener of a
// hub on the same machine, found by the settings that the hub has itself.
package admin

import (
	"cmp"
	"flag"
	"fmt"
	"net"
	"net/url"
)

// Target is where an admin listener is.
type Target struct {
	Listen string // address as the hub has it in --admin-listen
	Cert   string // not empty: the hub serves with TLS
	URL    string // address of another hub's, in place of both
}

// Flags binds the flags that say where it is, with the hub's own environment
// variables; the admin address where nothing else is said is the usual one.
func (t *Target) Flags(set *flag.FlagSet, getenv func(string) string, usual string) {
	set.StringVar(&t.Listen, "admin-listen", cmp.Or(getenv("SLUICE_ADMIN_LISTEN"), usual), "")
	set.StringVar(&t.Cert, "tls-cert", getenv("SLUICE_TLS_CERT"), "")
	set.StringVar(&t.URL, "url", "", "")
}

// Base returns the base address, and whether it is the machine's own: then a
// certificate is for another name than the one it is reached by.
func (t *Target) Base() (base *url.URL, own bool, err error) {
	if t.URL != "" {
		u, err := url.Parse(t.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, false, fmt.Errorf("--url %q is not the address of a hub: write it like http://127.0.0.1:8081", t.URL)
		}
		return u, false, nil
	}
	host, port, err := net.SplitHostPort(t.Listen)
	if err != nil {
		return nil, false, fmt.Errorf("--admin-listen %q is not an address: write it like 127.0.0.1:8081", t.Listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	scheme := "http"
	if t.Cert != "" {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}, true, nil
}
