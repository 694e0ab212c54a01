// Package names looks up the hub's name.
package names

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Server returns the first name server of a resolv.conf, as host:port; empty:
// there is none.
func Server(resolvConf io.Reader) string {
	lines := bufio.NewScanner(resolvConf)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil {
			return netip.AddrPortFrom(a.WithZone(""), 53).String()
		}
	}
	return ""
}

// Lookup finds the addresses of a name.
type Lookup struct {
	Host, Port string
	Server     string // host:port of the name server; empty: the system's
}

// Addresses returns the addresses of version 4, sorted, with the port; none
// where the name does not exist. An address stands for itself.
func (l Lookup) Addresses(ctx context.Context) ([]string, error) {
	if _, err := netip.ParseAddr(l.Host); err == nil {
		return []string{net.JoinHostPort(l.Host, l.Port)}, nil
	}
	resolver := net.DefaultResolver
	if l.Server != "" {
		resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Server)
		}}
	}
	found, err := resolver.LookupNetIP(ctx, "ip4", strings.TrimSuffix(l.Host, ".")+".")
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for _, a := range found {
		all = append(all, net.JoinHostPort(a.Unmap().String(), l.Port))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Follow tells of other addresses than those that are known, until ctx ends. A
// name server that does not answer changes nothing.
func (l Lookup) Follow(ctx context.Context, known []string, every time.Duration, changed func([]string)) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		within, cancel := context.WithTimeout(ctx, 3*time.Second)
		now, err := l.Addresses(within)
		cancel()
		if err == nil && !slices.Equal(now, known) {
			known = now
			changed(now)
		}
	}
}
