package admission

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the peers whose word is taken for where a request comes from.
type Proxies []netip.Prefix

// ParseProxy reads an address, or a range of them such as 10.0.0.0/8.
func ParseProxy(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not an address or a range: write it like 10.0.0.7 or 10.0.0.0/8", s)
	}
	return p.Masked(), nil
}

// Trusts reports whether an address is one of the proxies.
func (p Proxies) Trusts(a netip.Addr) bool {
	for _, proxy := range p {
		if proxy.Contains(a) {
			return true
		}
	}
	return false
}

// Sent reports whether the peer that a request comes from is one of the
// proxies.
func (p Proxies) Sent(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && p.Trusts(plain(peer.Addr()))
}

// maxHops is how many proxies a request can have come through.
const maxHops = 32

// Client returns the address that a request comes from: that of the peer, or
// behind proxies that are trusted the rightmost in X-Forwarded-For that is not
// such a proxy's. What is left of it anybody can have written there. It also
// reports whether the address is a forwarded one.
func (p Proxies) Client(r *http.Request) (at netip.Addr, forwarded bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	at = plain(peer.Addr())
	fields := r.Header["X-Forwarded-For"]
	for hops := 0; len(fields) > 0 && hops < maxHops && p.Trusts(at); hops++ {
		last := len(fields) - 1
		before, hop := "", fields[last]
		if i := strings.LastIndexByte(hop, ','); i >= 0 {
			before, hop = hop[:i], hop[i+1:]
			fields = append(fields[:last:last], before)
		} else {
			fields = fields[:last]
		}
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break // who comes next is not known
		}
		at, forwarded = next, true
	}
	return at, forwarded
}

// parseHop reads an address, with a port or without.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return plain(a), true
	}
	a, err := netip.ParseAddrPort(s)
	return plain(a.Addr()), err == nil
}

// plain writes an address in the one way that it has.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// networkBits is how much of an address of IPv6 tells customers apart.
const networkBits = 64

// group returns what counts as one address.
func group(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = networkBits
	}
	return netip.PrefixFrom(a, bits).Masked()
}
