package front

import (
	"net/http"
	"net/netip"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/auth"
)

// Caller is where a request comes from, and what its address said of who sent
// it.
type Caller struct {
	Address    netip.Addr // of the client, however many proxies are between
	Forwarded  bool       // a proxy told the address
	inQuery    bool       // there was a token in the query
	queryToken string
}

// CallerOf returns the caller of a request that went through traced.
func CallerOf(r *http.Request) Caller {
	if f, ok := r.Context().Value(factsKey{}).(*Facts); ok {
		return f.Caller
	}
	return Caller{}
}

// callerIn finds out the caller. A token in the query it takes out of r, which
// nobody else may have a hold of: nothing that writes addresses down gets to
// see it.
func callerIn(r *http.Request, proxies admission.Proxies) Caller {
	var c Caller
	c.Address, c.Forwarded = proxies.Client(r)
	if rest, token, ok := auth.CutQuery(r.URL.RawQuery); ok {
		u := *r.URL
		u.RawQuery = rest
		r.URL, r.RequestURI = &u, u.RequestURI()
		c.queryToken, c.inQuery = token, true
	}
	return c
}
