//go:build !linux

package sse

import "net/http"

// takeOver takes nothing over: there are no delivery loops.
func (*server) takeOver(http.ResponseWriter, *http.Request, *handshake, *session) bool { return false }
