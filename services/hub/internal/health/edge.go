package health

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers by which an edge tells what it sees of its client.
const (
	// EdgeRTT is the client's round trip, in microseconds: nginx's
	// $tcpinfo_rtt.
	EdgeRTT = "X-Edge-Rtt"
	// EdgeHandshakes is how many TLS handshakes of the client have succeeded
	// in a row. Without it T is 100: the request came through one, or needed
	// none.
	EdgeHandshakes = "X-Edge-Handshakes"
	// EdgeHandshakeTime is how long the last ones took on average, in
	// microseconds.
	EdgeHandshakeTime = "X-Edge-Handshake-Time"
)

type view struct{ r, t float64 }

// edgeView reads what an edge tells. It answers false where that is nothing.
func edgeView(h http.Header) (v view, ok bool) {
	v = view{100, 100}
	rtt, told := microseconds(h, EdgeRTT)
	if told {
		v.r = R(rtt)
	}
	n, err := strconv.ParseUint(h.Get(EdgeHandshakes), 10, 31)
	if err != nil {
		return v, told
	}
	v.t = T(int(n))
	if took, told := microseconds(h, EdgeHandshakeTime); told {
		v.t = T(int(n), took)
	}
	return v, true
}

func microseconds(h http.Header, name string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(h.Get(name)), 10, 40) // twelve days
	return time.Duration(n) * time.Microsecond, err == nil
}
