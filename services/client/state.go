package client

import "time"

// Phase is what a subscription is in, or has just met with.
type Phase string

// The phases, with the fields of [State] that say more.
const (
	// Connecting: a request is on its way. Failures.
	Connecting Phase = "connecting"
	// Open: the server streams. It ends a degraded state. Connection, Failures
	// (how many attempts it took before).
	Open Phase = "open"
	// CatchingUp: events from before the connection come first.
	CatchingUp Phase = "catching_up"
	// Live: all that there was at the handshake has been taken.
	Live Phase = "live"
	// Gapped: events are missing; the loop gets an [Event] that says so too. Gap.
	Gapped Phase = "gap"
	// Rejected: the server answered, with a refusal. Err.
	Rejected Phase = "rejected"
	// Waiting: the stream has ended or could not be had; another attempt
	// follows. Wait, Err (why), Failures.
	Waiting Phase = "waiting"
	// Degraded: as many attempts failed in a row as it takes to call it so;
	// from now on they are made at the longest interval only. Reported once,
	// before its Waiting; Open ends it. Err, Failures.
	Degraded Phase = "degraded"
	// Draining: the server is about to end the stream, in order.
	Draining Phase = "draining"
	// Unsaved: [Positions] could not save. It is tried again. Err.
	Unsaved Phase = "unsaved"
	// Closed: the subscription is over. The last one. Err; nil where the loop
	// was left by the caller.
	Closed Phase = "closed"
)

// State is one change, for [Options.OnState].
type State struct {
	Phase Phase
	// Connection is the server's name of the connection: in its logs, and in
	// GET /v1/connections. Empty where it gave none.
	Connection string
	// Failures is how many attempts in a row have failed.
	Failures int
	Wait     time.Duration
	Err      error
	Gap      *Gap
}
