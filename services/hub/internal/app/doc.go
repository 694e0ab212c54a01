// Package app is the hub: it reads the settings, opens the log, puts the
// routes in front of it and ends all of it in order.
//
// Two listeners keep two kinds of callers apart. The public one subscribes
// and publishes; the admin one asks about health and figures, ends streams
// and the hub, and stays up until everything else has ended.
//
// A request to the public listener passes, in this order: its trace, CORS
// with the answers to preflights, the Host allow-list, the check of its
// origin, the deadline of its body, the router. On the admin listener, where
// no page belongs, it passes its trace, the check of its origin, and the token
// or else the Host allow-list.
package app
