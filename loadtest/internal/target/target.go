// Package target is the hub that load goes to: its address, how its certificate
// is checked, the token for it, and the traces that requests belong to.
package target

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/sluice-stream/sluice/services/client"
)

// Hub is where and how to reach a hub, directly or through an edge.
type Hub struct {
	URL       string // base address, such as http://edge:8080
	TokenFile string // file with a bearer token, read anew for each request; empty: none

	// TLSCA is a PEM file of authorities that are trusted beside the system's,
	// and read anew when it changes; empty: none. TLSName is what the certificate
	// must be for; empty: the host of URL. Both are for an https:// URL, and count
	// for nothing with another.
	TLSCA, TLSName string

	trust trust
}

// DefaultURL is a bare hub on this machine.
const DefaultURL = "http://127.0.0.1:8080"

// Flags binds the flags that say where the hub is.
func (h *Hub) Flags(set *flag.FlagSet) {
	set.StringVar(&h.URL, "url", DefaultURL, "address of the hub, or of the edge in front of it")
	set.StringVar(&h.TokenFile, "token-file", "", "file with a token that may publish and subscribe; it may be replaced at any time")
	set.StringVar(&h.TLSCA, "tls-ca", "", "PEM file of authorities that are trusted for an https:// address, beside the system's; it may be replaced at any time")
	set.StringVar(&h.TLSName, "tls-name", "", "name that the certificate of an https:// address must be for, where it is not the address's")
}

// Validate checks the address, and that there is a token and a certificate where
// files are named.
func (h *Hub) Validate() error {
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url %q is not the address of a hub: write it like %s", h.URL, DefaultURL)
	}
	h.URL = strings.TrimRight(h.URL, "/")
	if err := h.validateTLS(); err != nil {
		return err
	}
	if h.TokenFile != "" {
		_, err = h.token(context.Background())
	}
	return err
}

// maxToken is how long a token may be, in bytes: a hub takes no longer ones.
const maxToken = 8 << 10

// source is what the client package wants to have of a token; nil without one.
func (h *Hub) source() func(context.Context) (string, error) {
	if h.TokenFile == "" {
		return nil
	}
	return h.token
}

func (h *Hub) token(context.Context) (string, error) {
	f, err := os.Open(h.TokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w: hub init writes one, and hub token prints one", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := bytes.TrimSpace(text)
	if len(token) == 0 || len(text) > maxToken || bytes.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("--token-file: %s holds no token: that is one word of at most %d bytes; hub token prints one", h.TokenFile, maxToken)
	}
	return string(token), nil
}

// Request returns a request for a path of the hub, with its token.
func (h *Hub) Request(ctx context.Context, method, path, body string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, h.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if h.TokenFile != "" {
		token, err := h.token(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, nil
}

// Publisher returns one that tries once and joins the trace of its context
// (see [WithTrace]). done is for when it is no longer used.
func (h *Hub) Publisher() (p *client.Publisher, done func(), err error) {
	c, done := h.Client()
	p, err = client.NewPublisher(client.PublisherOptions{URL: h.URL, Token: h.source(), HTTP: c, MaxAttempts: 1, Traceparent: traceparent})
	return p, done, err
}

// Subscribe is the client package's, from this hub and with its token: o says the
// rest.
func (h *Hub) Subscribe(ctx context.Context, o client.Options) iter.Seq2[client.Event, error] {
	return func(yield func(client.Event, error) bool) {
		var done func()
		o := o
		o.URL, o.Token = h.URL, h.source()
		o.HTTP, done = h.Client()
		defer done()
		client.Subscribe(ctx, o)(yield)
	}
}
