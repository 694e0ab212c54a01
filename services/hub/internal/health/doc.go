// Package health scores how well a client's connection does, from 0 to 100,
// for clients that probe before they stream and for operators:
//
//	score = 0.5 R + 0.3 T + 0.2 Q
//
// R is about round-trip times, T about TLS handshakes, Q about the server's
// backlog; each is from 0 to 100 ([R], [T], [Q]). What they are made of is
// measured: round trips by the kernel for the caller's own socket (TCP_INFO;
// where there is none, R is 100), handshakes by a [Monitor] that sees the
// server's connections, the backlog by whoever surveys the streams.
//
// Behind an edge the socket says nothing of the client. The edge's own view
// counts then, from headers that are believed from trusted proxies only
// ([Monitor.Trusted]).
package health
