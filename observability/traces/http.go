package traces

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// answer is what became of a request of an exporter that doesn't say.
type answer struct {
	asked  bool
	status int
}

type answerKey struct{}

// observed notes the answers to requests whose context asks for it.
type observed struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (o observed) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := o.Transport.RoundTrip(r)
	if a, ok := r.Context().Value(answerKey{}).(*answer); ok {
		a.asked, a.status = true, 0
		if err == nil {
			a.status = response.StatusCode
		}
	}
	return response, err
}

// newHTTPClient returns a client of its own, so that its connections can be
// closed.
func newHTTPClient(timeout time.Duration, config *tls.Config) (client *http.Client, end func()) {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     90 * time.Second,
	}
	return &http.Client{Transport: observed{transport}, Timeout: timeout}, transport.CloseIdleConnections
}

// endpoint returns an address from the environment.
func endpoint(name, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Fragment == "":
		return u, nil
	case err != nil || u.User != nil:
		text = "(not shown)" // a password may be in it
	}
	return nil, fmt.Errorf("%s is %q: set it to a URL like http://host:port", name, text)
}

// tlsConfig returns what variables say about certificates, or nil.
func (e environment) tlsConfig() (*tls.Config, error) {
	const traces, all = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"
	var config tls.Config
	name, file := e.first(traces+"CERTIFICATE", all+"CERTIFICATE")
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: %s holds no certificate in PEM", name, file)
		}
	}
	name, certificate := e.first(traces+"CLIENT_CERTIFICATE", all+"CLIENT_CERTIFICATE")
	key := e.get(traces+"CLIENT_KEY", all+"CLIENT_KEY")
	if (certificate == "") != (key == "") {
		return nil, errors.New("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY go together: set both or neither")
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if config.RootCAs == nil && config.Certificates == nil {
		return nil, nil
	}
	return &config, nil
}
