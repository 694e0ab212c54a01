package app

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/hub/internal/console"
	"github.com/sluice-stream/sluice/services/sse"
)

// The routes of clients.
const (
	streamPath  = "/v1/events"
	publishPath = "/v1/topics/:topic/events"
	pongPath    = "/v1/connections/:id/pong"
)

// publicHandler is what clients reach.
func (h *hub) publicHandler() http.Handler {
	e := h.engine("there is nothing here: subscribe at /v1/events?topic=…, publish at /v1/topics/…/events")
	e.GET(streamPath, h.subscribe)
	e.HEAD(streamPath, h.subscribe)
	e.POST(publishPath, h.publish)
	e.POST(pongPath, h.pong)
	page := gin.WrapH(console.Handler(console.Welcome(h.publicURL)))
	for _, path := range console.Paths() {
		e.GET(path, page)
		e.HEAD(path, page)
	}
	s := &h.settings
	guarded := sameOrigin(s.CORSOrigins, h.hurried(e))
	if h.verifier == nil {
		guarded = knownHosts(s.AllowedHosts, guarded) // it stands for as long as access is open
	}
	return h.traced(s.TrustedProxies, h.probed(shared(s.CORSOrigins, guarded)))
}

// engine returns a router without routes: what is not there, it says with
// problem documents.
func (h *hub) engine(notFound string) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // a publish must not be redirected
	e.UseEscapedPath = true         // %2F in a topic's name is a bad name, not another route
	e.Use(routed, h.recovered)
	e.NoRoute(func(c *gin.Context) {
		reject(c.Writer, c.Request, &sse.Rejection{Status: 404, Type: "not-found", Detail: notFound})
	})
	e.NoMethod(func(c *gin.Context) {
		reject(c.Writer, c.Request, &sse.Rejection{Status: 405, Type: "method-not-allowed",
			Detail: "the Allow header names the methods of this address"})
	})
	return e
}

// hurried bounds how long the body of a request may take, read or not: what
// a handler leaves unread net/http reads, for the sake of the connection.
func (h *hub) hurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Every connection of net/http has deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.times.body))
		}
		next.ServeHTTP(w, r)
	})
}

func subscribeLine(base string) string {
	return fmt.Sprintf("curl -N '%s/v1/events?topic=demo'", base)
}

func publishLine(base string) string {
	return fmt.Sprintf("curl -d 'hello' %s/v1/topics/demo/events", base)
}

// recovered turns a panic of a handler into a problem document, or cuts the
// connection where an answer has begun.
func (h *hub) recovered(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(p)
		}
		h.logger.Error("a handler panicked", "event_type", "sse_error", "trace_id", traceID(c.Request),
			"http_status", http.StatusInternalServerError, "error", fmt.Sprint(p), "stack", string(debug.Stack()))
		factsIn(c.Request.Context()).status = http.StatusInternalServerError
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		c.Abort()
		reject(c.Writer, c.Request, rejectionOf(fmt.Errorf("panic: %v", p)))
	}()
	c.Next()
}
