//go:build !linux

package sockets

import "github.com/sluice-stream/sluice/services/sse/internal/stream"

// Loops exist where there is epoll. Elsewhere there are none: every stream is
// written by its request's goroutine.
type Loops struct{}

// Start starts nothing.
func (*Loops) Start(Config) {}

// Abort has nothing to close.
func (*Loops) Abort() {}

// Stop has nothing to end.
func (*Loops) Stop() {}

// Figures returns none.
func (*Loops) Figures() stream.Figures { return stream.Figures{} }

// Survey shows nothing.
func (*Loops) Survey(func(Seen)) {}
