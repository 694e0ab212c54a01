package front

import (
	"errors"
	"fmt"
	"net"
	"net/http"
)

// maxHeaderBytes has room for what a head can rightly hold: as many topics as
// a connection may have, their longest composite id as a header and in the
// query too, a token, and some KiB of other headers.
const maxHeaderBytes = 48 << 10

// Server returns a server of a handler, with TLS where there is a certificate.
func (f *Front) Server(handler http.Handler) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: f.given.Times.Header,
		IdleTimeout:       f.given.Times.Idle,
		MaxHeaderBytes:    maxHeaderBytes,
		// OPTIONS * is answered like all else, with its trace.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     f.errorLog(),
	}
	if f.certificates != nil {
		s.TLSConfig = f.certificates.config()
		// Peers that are dead and not only silent: the streams over one
		// connection of HTTP/2 may be idle for long.
		s.HTTP2 = &http.HTTP2Config{SendPingTimeout: f.given.Times.Ping}
	}
	return s
}

// Serve serves until the server is shut down, which is no error.
func Serve(s *http.Server, l net.Listener, name string) error {
	serve := s.Serve
	if s.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the %s listener failed: %w", name, err)
	}
	return nil
}
