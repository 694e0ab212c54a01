//go:build !linux

package sse

import "net/http"

// loops exist where there is epoll. Elsewhere every stream is written by its
// request's goroutine.
type loops struct{}

func (*loops) start(*server) {}
func (*loops) stop()         {}
func (*loops) abort()        {}
func (*loops) addTo(*Stats)  {}

func (*loops) survey(func(seen)) {}

func (*server) takeOver(http.ResponseWriter, *http.Request, *handshake, meta) bool { return false }
