package front

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/sse"
)

// Router returns a router without routes: what is not there, it says with
// problem documents.
func (f *Front) Router(notFound string) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // a publish must not be redirected
	e.UseEscapedPath = true         // %2F in a topic's name is a bad name, not another route
	e.Use(routed, f.recovered)
	e.NoRoute(func(c *gin.Context) {
		Reject(c.Writer, c.Request, &sse.Rejection{Status: 404, Type: "not-found", Detail: notFound})
	})
	e.NoMethod(func(c *gin.Context) {
		Reject(c.Writer, c.Request, &sse.Rejection{Status: 405, Type: "method-not-allowed",
			Detail: "the Allow header names the methods of this address"})
	})
	return e
}

// recovered turns a panic of a handler into a problem document, or cuts the
// connection where an answer has begun.
func (f *Front) recovered(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(p)
		}
		f.given.Logger.Error("a handler panicked", "event_type", "sse_error", "trace_id", TraceID(c.Request),
			"http_status", http.StatusInternalServerError, "error", fmt.Sprint(p), "stack", string(debug.Stack()))
		FactsIn(c.Request.Context()).Status = http.StatusInternalServerError
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		c.Abort()
		Reject(c.Writer, c.Request, RejectionOf(fmt.Errorf("panic: %v", p)))
	}()
	c.Next()
}
