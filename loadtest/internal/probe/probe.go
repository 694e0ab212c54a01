package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/services/client"
)

// shutdownTime is for answers that are under way at the end.
const shutdownTime = time.Second

// Run probes until ctx ends.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	o, err := parse(args, getenv, stdout)
	if err != nil {
		return err
	}
	log, endLog, err := o.logTo.Open(stdout, "prober")
	if err != nil {
		return err
	}
	defer endLog()
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w: choose another address", err)
	}
	publisher, done, err := o.hub.Publisher()
	if err != nil {
		listener.Close()
		return err
	}
	defer done()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	watches := newWatches(o, newMetrics(registry, o.targets.labels()), publisher, log)
	log.Info("probing", "event_type", "start", "url", o.hub.URL, "metrics", "http://"+listener.Addr().String()+"/metrics")

	var probing sync.WaitGroup
	defer probing.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i, w := range watches {
		delay := o.interval * time.Duration(i) / time.Duration(len(watches))
		probing.Go(func() { w.probe(ctx, delay) })
	}
	return serve(ctx, listener, handler(registry, watches, o.interval))
}

func newWatches(o *options, m *metrics, publisher *client.Publisher, log *slog.Logger) []*watch {
	var all []*watch
	for _, one := range o.targets {
		all = append(all, newWatch(o, one, m.of(one.label), publisher, log))
	}
	return all
}

// handler answers at /metrics and /healthz.
func handler(registry *prometheus.Registry, watches []*watch, interval time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry, EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		for _, one := range watches {
			if still := time.Since(time.Unix(0, one.turned.Load())); still > interval+10*time.Second {
				http.Error(w, fmt.Sprintf("the probe of %s has stood still for %v", one.topic, still), http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = io.WriteString(w, "ok\n") // who has gone needs no answer
	})
	return mux
}

// serve answers until ctx ends.
func serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	done := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() {
		defer close(done)
		late, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		if server.Shutdown(late) != nil {
			server.Close()
		}
	})
	err := server.Serve(listener)
	if stopped() {
		return fmt.Errorf("--listen: %w", err)
	}
	<-done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
