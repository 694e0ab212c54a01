package app

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/hub/internal/admin"
	"github.com/sluice-stream/sluice/services/hub/internal/console"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
)

// publicHandler is what clients reach, at an address that the console tells.
func (h *hub) publicHandler(url string) http.Handler {
	e := h.front.Router("there is nothing here: subscribe at /v1/events?topic=…, publish at /v1/topics/…/events")
	e.GET(front.StreamPath, h.streams.Serve)
	e.HEAD(front.StreamPath, h.streams.Serve)
	e.POST(front.PublishPath, h.publisher.Serve)
	e.POST(front.PongPath, h.streams.Pong)
	page := gin.WrapH(console.Handler(console.Welcome(url)))
	for _, path := range console.Paths() {
		e.GET(path, page)
		e.HEAD(path, page)
	}
	return h.front.Public(e)
}

// adminHandler is what operators reach.
func (h *hub) adminHandler() http.Handler {
	return admin.Handler(admin.Options{Settings: &h.settings, Log: h.events, Streams: h.streams.Handler, Front: h.front, Health: &h.health,
		Registry: h.registry, Tracing: h.tracing, Accounts: h.figures.Accounts, Began: h.began, Ready: h.ready.Load, Drain: func() { h.beginDrain() }})
}
