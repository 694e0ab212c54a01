package app

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
)

// Serve runs a hub until ctx ends, and then ends it in order: not ready,
// nothing new accepted, streams ended, publishes finished, log closed.
func Serve(ctx context.Context, s Settings, stdout io.Writer) error {
	return serve(ctx, s, usualTimes(), stdout)
}

func serve(ctx context.Context, s Settings, t times, stdout io.Writer) error {
	public, err := listen("listen", s.Listen)
	if err != nil {
		return err
	}
	defer public.Close()
	admin, err := listen("admin-listen", s.AdminListen)
	if err != nil {
		return err
	}
	defer admin.Close()
	h, err := newHub(s, t, public, admin, stdout)
	if err != nil {
		return err
	}
	defer h.logs.Close(time.Second)
	return h.run(ctx, public, admin)
}

func (h *hub) run(ctx context.Context, publicListener, adminListener net.Listener) error {
	public, admin := h.server(h.publicHandler()), h.server(h.adminHandler())
	public.MaxHeaderBytes = maxHeaderBytes
	failed := make(chan error, 2)
	var running sync.WaitGroup
	running.Go(func() { failed <- serveOn(public, h.streams.Listener(publicListener), "public") })
	running.Go(func() { failed <- serveOn(admin, adminListener, "admin") })
	background, stop := context.WithCancel(context.Background())
	running.Go(func() { h.tidier.run(background) })
	h.ready.Store(true)
	h.logStart()

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	end, cancel := context.WithTimeout(context.Background(), h.settings.DrainTimeout)
	defer cancel()
	err = errors.Join(err, h.shutdown(end, public, admin))
	stop()
	running.Wait()
	return err
}

func (h *hub) server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: h.times.header,
		IdleTimeout:       h.times.idle,
		ErrorLog:          slog.NewLogLogger(h.logger.Handler(), slog.LevelWarn),
	}
}

func serveOn(s *http.Server, l net.Listener, name string) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the %s listener failed: %w", name, err)
	}
	return nil
}

// logStart says where to look next.
func (h *hub) logStart() {
	s := &h.settings
	fields := []any{
		"event_type", "start", "node", s.Node, "store", s.Store,
		"look", h.publicURL + "/",
		"subscribe", subscribeLine(h.publicURL),
		"publish", publishLine(h.publicURL),
		"admin", h.adminURL + "/",
	}
	if s.Store == storeBolt {
		fields = append(fields, "data", s.Data)
	}
	h.logger.Info("the hub is ready", fields...)
	if s.InsecureOpenAccess {
		h.logger.Warn("everybody who reaches the hub may publish, subscribe and profile (--insecure-open-access)", "event_type", "start")
	}
}

// shutdown ends the hub within the time of ctx.
func (h *hub) shutdown(ctx context.Context, public, admin *http.Server) error {
	start := time.Now()
	h.ready.Store(false)
	h.logger.Info("shutting down", "event_type", "drain", "streams", h.streams.Stats().Connections)

	// Streams that a request's goroutine drives end only when they are told,
	// so both have to go on at once.
	var ending sync.WaitGroup
	var streamsErr, publicErr error
	ending.Go(func() { streamsErr = h.streams.Shutdown(ctx) })
	ending.Go(func() {
		if publicErr = public.Shutdown(ctx); publicErr != nil {
			_ = public.Close() // what is still open is late
		}
	})
	ending.Wait()
	if late := errors.Join(streamsErr, publicErr); late != nil {
		h.logger.Warn("not everything ended in time and was cut off (--drain-timeout)", "event_type", "drain", "error", late.Error())
	}

	err := h.closeLog(ctx)
	_ = admin.Close() // it was there for the others
	h.logger.Info("stopped", "event_type", "stop", "duration_ms", time.Since(start).Milliseconds())
	return err
}

// closeLog closes the log, but does not wait for ever for a store that hangs.
func (h *hub) closeLog(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- h.events.Close() }()
	late := time.NewTimer(storeGrace)
	defer late.Stop()
	select {
	case err := <-closed:
		return err
	case <-late.C:
	}
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return errors.New("the store did not close in time; what was acknowledged is in it")
	}
}

// storeGrace is what the store gets to close where the drain took all time.
const storeGrace = 2 * time.Second
