package stream

// Reason says why a stream ended. Package sse says what each
// means, in the same words.
type Reason string

// The reasons.
const (
	Client       Reason = "client"
	WriteTimeout Reason = "write_timeout"
	PongTimeout  Reason = "pong_timeout"
	TokenExpired Reason = "token_expired"
	Drain        Reason = "drain"
	Admin        Reason = "admin"
	Memory       Reason = "memory"
	Error        Reason = "error"
)
