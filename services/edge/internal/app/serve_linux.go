package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/services/edge/internal/config"
	"github.com/sluice-stream/sluice/services/edge/internal/names"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
	"github.com/sluice-stream/sluice/services/edge/internal/report"
	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

const (
	followEvery = time.Second      // a name that nginx does not follow
	filesEvery  = 20 * time.Second // certificates
	stopGrace   = 2 * time.Second  // for requests under way at the end
)

// An edge is a running one.
type edge struct {
	settings.Settings
	facts    config.Facts
	limits   config.Limits
	registry *prometheus.Registry
	report   *report.Report
	telemetry
	nginx   *nginx.Process
	status  *nginx.Statuses
	lookup  names.Lookup
	crashes chan struct{} // has one when a worker of nginx has crashed
}

// Serve runs nginx until ctx ends, or nginx does.
func Serve(ctx context.Context, s settings.Settings, getenv func(string) string, stdout io.Writer) error {
	facts, err := find(s)
	if err != nil {
		return err
	}
	e := &edge{Settings: s, facts: facts, limits: config.LimitsOf(s, facts), registry: prometheus.NewRegistry(), crashes: make(chan struct{}, 1)}
	host, port, _ := net.SplitHostPort(s.Hub) // it was checked
	e.lookup = names.Lookup{Host: host, Port: port, Server: facts.Resolver}
	admin, err := net.Listen("tcp", s.AdminListen)
	if err != nil {
		return fmt.Errorf("--admin-listen: %w: choose another address", err)
	}
	defer admin.Close()
	if err := e.open(getenv, stdout); err != nil {
		return err
	}
	defer e.close()
	return e.run(ctx, admin)
}

// run starts nginx and whoever looks after it, and ends them.
func (e *edge) run(ctx context.Context, admin net.Listener) error {
	known, err := e.write(ctx)
	if err != nil {
		return err
	}
	asked, err := net.Listen("unix", e.file("edge.sock"))
	if err != nil {
		return fmt.Errorf("--folder: %w", err)
	}
	defer asked.Close()
	if err := os.Chmod(e.file("edge.sock"), 0o666); err != nil {
		return fmt.Errorf("--folder: %w", err)
	}
	e.nginx, err = nginx.Start(nginx.Options{Program: e.Nginx, Config: e.file("nginx.conf"), Line: e.report.Request, Error: e.report.Error})
	if err != nil {
		return err
	}
	e.status = nginx.NewStatuses(e.file("status.sock"))
	e.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	e.report.Watch(e.registry, report.Sources{Limits: e.limits, Status: e.status.Get, Usage: e.nginx.Usage})
	e.logger.Info("the edge is open", "event_type", "start", "listen", e.Listen, "tls", e.TLSCert != "", "hub", e.Hub,
		"nginx", e.facts.Version, "workers", e.limits.Workers, "streams", e.limits.Streams, "limited_by", e.limits.By,
		"hub_followed_by", map[bool]string{true: "nginx", false: "edge"}[e.facts.Resolves(e.Hub)])
	e.warn()

	server, inside := newServer(e.handler()), newServer(e.report)
	within, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { _ = server.Serve(admin) }) // until it is closed
	beside.Go(func() { _ = inside.Serve(asked) }) // likewise
	beside.Go(func() { e.reloadOnSignal(within) })
	beside.Go(func() { e.followFiles(within) })
	beside.Go(func() { e.countAnew(within) })
	if !e.facts.Resolves(e.Hub) {
		beside.Go(func() { e.lookup.Follow(within, known, followEvery, e.moved) })
	}
	select {
	case <-ctx.Done():
		e.nginx.Stop(stopGrace)
		err = nil
	case <-e.nginx.Ended():
		err = e.nginx.Err()
	}
	stop()
	server.Close()
	inside.Close()
	beside.Wait()
	e.status.Close()
	return err
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
}

// handler answers at /metrics and /healthz.
func (e *edge) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(e.registry, promhttp.HandlerOpts{Registry: e.registry, EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := e.status.Get(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // who has gone needs no answer
	})
	return mux
}

// warn says what about this machine will be felt.
func (e *edge) warn() {
	if n := number("/proc/sys/net/ipv4/tcp_retries2"); n > mostRetries {
		e.logger.Warn("clients that vanish without a word are kept for many minutes: set the sysctl net.ipv4.tcp_retries2 to 6", "event_type", "start", slog.Int("tcp_retries2", n))
	}
}
