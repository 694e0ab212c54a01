package admin

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/figures"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
)

const index = `The admin listener of a Sluice hub.

GET    /healthz              whether the process is alive
GET    /readyz               whether it takes clients
GET    /metrics              for Prometheus
GET    /v1/topics            the topics that exist: ?prefix= ?limit= ?after=
GET    /v1/accounting        what became of every event, by class of topics: ?prefix=
GET    /v1/connections       the open streams, the furthest behind first: ?topic= ?limit=
DELETE /v1/connections/{id}  end a stream; its client may come back
POST   /v1/drain             end the hub in order, as SIGTERM does
GET    /debug/pprof/         profiles
GET    /debug/tracez         the latest spans, by latency and by error
`

// Options are what the handler is given. All are required.
type Options struct {
	Settings *settings.Settings
	Log      *eventlog.Log
	Streams  *sse.Handler
	Front    *front.Front
	Health   *health.Monitor
	Registry *prometheus.Registry
	Tracing  *traces.Tracing
	Accounts func(prefix string) []figures.Account // by class, of the topics with a prefix
	Began    time.Time                             // when the hub started
	Ready    func() bool                           // whether the hub takes clients
	Drain    func()                                // ends the hub in order; once is enough
}

type handler struct{ Options }

// Handler returns what operators reach.
func Handler(o Options) http.Handler {
	a := &handler{o}
	e := o.Front.Router("see / for what is here")
	get := func(path string, handle gin.HandlerFunc) {
		e.GET(path, handle)
		e.HEAD(path, handle)
	}
	get("/", func(c *gin.Context) { plain(c.Writer, index) })
	get("/healthz", func(c *gin.Context) { plain(c.Writer, "alive\n") })
	get("/readyz", a.readiness)
	get("/metrics", gin.WrapH(promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{Registry: o.Registry, EnableOpenMetrics: true})))
	get("/v1/topics", a.listTopics)
	get("/v1/accounting", a.account)
	get("/v1/connections", a.listConnections)
	e.DELETE("/v1/connections/:id", a.disconnect)
	e.POST("/v1/drain", a.startDrain)
	get("/debug/tracez", gin.WrapH(o.Tracing.Tracez()))
	get("/debug/pprof/", gin.WrapF(pprof.Index))
	get("/debug/pprof/:profile", profile)
	e.POST("/debug/pprof/symbol", gin.WrapF(pprof.Symbol)) // asks about more than fits into an address
	return o.Front.Admin(e)
}

func (a *handler) readiness(c *gin.Context) {
	if !a.Ready() {
		front.Reject(c.Writer, c.Request, &sse.Rejection{Status: 503, Type: "shutting-down", Detail: "the hub is shutting down"})
		return
	}
	plain(c.Writer, "ready\n")
}

func profile(c *gin.Context) {
	handle := pprof.Index // knows those that the runtime keeps by name
	switch c.Param("profile") {
	case "cmdline":
		handle = pprof.Cmdline
	case "profile":
		handle = pprof.Profile
	case "symbol":
		handle = pprof.Symbol
	case "trace":
		handle = pprof.Trace
	}
	handle(c.Writer, c.Request)
}

// disconnect ends one stream.
func (a *handler) disconnect(c *gin.Context) {
	if !a.Streams.Disconnect(c.Param("id")) {
		front.Reject(c.Writer, c.Request, front.NoConnection())
		return
	}
	c.Writer.Header().Set("Cache-Control", "no-store")
	c.Writer.WriteHeader(http.StatusNoContent)
}

// draining is the answer to who ends the hub.
type draining struct {
	State     string `json:"state"`
	Streams   int    `json:"streams"`    // that are open
	TimeoutMS int64  `json:"timeout_ms"` // that they have at most
}

// startDrain ends the hub as a signal does. Once is enough.
func (a *handler) startDrain(c *gin.Context) {
	writeJSON(c.Writer, http.StatusAccepted, draining{"draining", a.Streams.Stats().Connections, a.Settings.DrainTimeout.Milliseconds()})
	c.Writer.Flush() // before the end: it may come at once
	a.Drain()
}

func plain(w http.ResponseWriter, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// An answer that cannot be written has nobody left to tell.
	_, _ = w.Write([]byte(s))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	// An answer that cannot be written has nobody left to tell.
	_ = e.Encode(v)
}
