// Package admission says who may come in now: how many streams, sockets and
// events one address may have, and when the store is given a rest.
//
// An address is that of a client: behind trusted proxies the forwarded one.
// Addresses of IPv6 count together where their first 64 bits are the same,
// since one customer has all of those. Nothing here grows with what clients
// send: what is kept of addresses is bounded in number.
package admission
