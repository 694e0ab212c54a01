package front

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Listen opens the listener of a setting. Its errors say what to do.
func Listen(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	advice := "choose another address"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		advice = "the address is in use: stop what has it, perhaps another hub, or choose another"
	case errors.Is(err, syscall.EACCES):
		advice = "this user may not have that port: choose one above 1023"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "this machine does not have that address: choose one that it has"
	}
	return nil, fmt.Errorf("cannot listen on %s: %s with --%s or %s (%w)", address, advice, setting, settings.EnvName(setting), err)
}

// BaseURL returns the address of a listener as one types it on this machine.
func BaseURL(scheme string, l net.Listener) string {
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return scheme + "://" + l.Addr().String()
	}
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, fmt.Sprint(a.Port))
}
