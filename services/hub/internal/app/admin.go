package app

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/services/sse"
)

// adminHandler is what operators reach.
func (h *hub) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if !h.ready.Load() {
			reject(w, r, &sse.Rejection{Status: 503, Type: "shutting-down", Detail: "the hub is shutting down"})
			return
		}
		plain(w, "ready\n")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{Registry: h.registry, EnableOpenMetrics: true}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			reject(w, r, &sse.Rejection{Status: 404, Type: "not-found", Detail: "see / for what is here"})
			return
		}
		plain(w, "The admin listener of a Sluice hub: /healthz /readyz /metrics /debug/pprof/\n")
	})
	return traced(mux)
}

func plain(w http.ResponseWriter, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// An answer that cannot be written has nobody left to tell.
	_, _ = w.Write([]byte(s))
}
