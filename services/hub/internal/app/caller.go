package app

import (
	"net/http"
	"net/netip"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/auth"
)

// caller is where a request comes from, and what its address said of who sent
// it.
type caller struct {
	address    netip.Addr // of the client, however many proxies are between
	forwarded  bool       // a proxy told the address
	inQuery    bool       // there was a token in the query
	queryToken string
}

// callerOf returns the caller of a request that went through traced.
func callerOf(r *http.Request) caller {
	if f, ok := r.Context().Value(factsKey{}).(*facts); ok {
		return f.caller
	}
	return caller{}
}

// callerIn finds out the caller. A token in the query it takes out of r, which
// nobody else may have a hold of: nothing that writes addresses down gets to
// see it.
func callerIn(r *http.Request, proxies admission.Proxies) caller {
	var c caller
	c.address, c.forwarded = proxies.Client(r)
	if rest, token, ok := auth.CutQuery(r.URL.RawQuery); ok {
		u := *r.URL
		u.RawQuery = rest
		r.URL, r.RequestURI = &u, u.RequestURI()
		c.queryToken, c.inQuery = token, true
	}
	return c
}
