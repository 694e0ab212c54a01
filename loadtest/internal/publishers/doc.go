// Package publishers publishes at the times that a plan says, whether or not the
// answers keep up: arrivals are open-loop, and an answer's time counts from when
// its publish should have begun. So a server that stops for a second shows as
// all the publishes that it would have had in that second, each as late as it
// was (no coordinated omission; Gil Tene, "How NOT to Measure Latency").
//
// Publishes go over connections that are kept. Each connection has a lane in
// each topic (package mark), and publishes one event, or batch, after the other:
// what it has no answer for, it sends again under the same idempotency key
// before anything else goes over it. So the ledger knows of each number whether
// it is in the log.
package publishers
