package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Serve runs a hub until ctx ends, and then ends it in order: not ready,
// nothing new accepted, streams ended, publishes finished, log closed.
func Serve(ctx context.Context, s settings.Settings, stdout io.Writer) error {
	profileWaiting()
	return serve(ctx, s, settings.UsualTimes(), stdout)
}

func serve(ctx context.Context, s settings.Settings, t settings.Times, stdout io.Writer) error {
	public, err := front.Listen("listen", s.Listen)
	if err != nil {
		return err
	}
	defer public.Close()
	admin, err := front.Listen("admin-listen", s.AdminListen)
	if err != nil {
		return err
	}
	defer admin.Close()
	h, err := newHub(s, t, stdout)
	if err != nil {
		return err
	}
	defer h.closeTelemetry()
	defer h.front.Close()
	return h.run(ctx, public, admin)
}

func (h *hub) run(ctx context.Context, publicListener, adminListener net.Listener) error {
	ctx, h.beginDrain = context.WithCancel(ctx)
	defer h.beginDrain()
	publicURL, adminURL := front.BaseURL(h.settings.Scheme(), publicListener), front.BaseURL(h.settings.Scheme(), adminListener)
	public, admin := h.front.Server(h.publicHandler(publicURL)), h.front.Server(h.adminHandler())
	public.ConnContext = h.health.ConnContext
	failed := make(chan error, 2)
	var running sync.WaitGroup
	public.ConnState = h.streams.Sockets().State
	running.Go(func() { failed <- front.Serve(public, h.streams.Handler.Listener(publicListener), "public") })
	running.Go(func() { failed <- front.Serve(admin, adminListener, "admin") })
	background, stop := context.WithCancel(context.Background())
	running.Go(func() { h.tidier.run(background) })
	running.Go(func() { h.figures.Run(background) })
	h.ready.Store(true)
	h.logStart(publicURL, adminURL)

	var err error
	select {
	case <-ctx.Done():
		err = h.announce(failed)
	case err = <-failed:
	case err = <-h.broken:
	}
	end, cancel := context.WithTimeout(context.Background(), h.settings.DrainTimeout)
	defer cancel()
	err = errors.Join(err, h.shutdown(end, public, admin))
	stop()
	running.Wait()
	h.health.Wait()
	return err
}

// logStart says where to look next.
func (h *hub) logStart(publicURL, adminURL string) {
	s := &h.settings
	fields := []any{
		"event_type", "start", "node", s.Node, "store", s.Store,
		"look", publicURL + "/",
		"subscribe", subscribeLine(publicURL),
		"publish", publishLine(publicURL),
		"admin", adminURL + "/",
		"metrics", adminURL + "/metrics",
	}
	if s.Store == settings.Disk {
		fields = append(fields, "data", s.Data)
	}
	h.logger.Info("the hub is ready", fields...)
	if s.InsecureOpenAccess && h.front.Open() {
		h.logger.Warn("everybody who reaches the hub may publish and subscribe (--insecure-open-access)", "event_type", "start")
	}
}

func subscribeLine(base string) string {
	return fmt.Sprintf("curl -N '%s/v1/events?topic=demo'", base)
}

func publishLine(base string) string {
	return fmt.Sprintf("curl -d 'hello' %s/v1/topics/demo/events", base)
}

// announce says that the end is near for as long as it takes proxies and
// Prometheus to look, and serves as ever meanwhile.
func (h *hub) announce(failed <-chan error) error {
	h.ready.Store(false)
	h.draining.Store(true)
	delay := time.NewTimer(h.settings.ShutdownDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
		return nil
	case err := <-failed:
		return err
	}
}

// shutdown ends the hub within the time of ctx.
func (h *hub) shutdown(ctx context.Context, public, admin *http.Server) error {
	start := time.Now()
	h.ready.Store(false)
	h.draining.Store(true)
	h.logger.Info("shutting down", "event_type", "drain", "streams", h.streams.Handler.Stats().Connections)

	// Publishers are served until the streams have ended.
	streamsErr := h.endStreams(ctx)
	publicErr := public.Shutdown(ctx)
	if publicErr != nil {
		_ = public.Close() // what is still open is late
	}
	if late := errors.Join(streamsErr, publicErr); late != nil {
		h.logger.Warn("not everything ended in time and was cut off (--drain-timeout)", "event_type", "drain", "error", late.Error())
	}

	err := errors.Join(h.closeLog(ctx), h.closeClients(), h.own.Close())
	closeAdmin(admin)
	h.logger.Info("stopped", "event_type", "stop", "duration_ms", time.Since(start).Milliseconds())
	return err
}

// endStreams ends the streams within the share of the time that they have.
func (h *hub) endStreams(ctx context.Context) error {
	h.streams.Handler.Drain(ctx, h.settings.DrainTimeout*spreadShare/100)
	ctx, cancel := context.WithTimeout(ctx, h.settings.DrainTimeout*(streamsShare-spreadShare)/100)
	defer cancel()
	return h.streams.Handler.Shutdown(ctx)
}

func (h *hub) closeClients() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeGrace)
	defer cancel()
	return h.clients.Close(ctx)
}

// closeAdmin ends the listener that was there for the others, with its answers
// under way: to the one who ended the hub, and to a last look at its metrics.
func closeAdmin(admin *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), adminGrace)
	defer cancel()
	if admin.Shutdown(ctx) != nil {
		_ = admin.Close() // a profile may take minutes
	}
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

// Shares of the drain's time, in percent. Streams are told to end in the
// first, and have ended in the second, which those take that are slow; the
// rest is for publishes under way.
const (
	spreadShare  = 80
	streamsShare = 90
)

// storeGrace is what a store gets to close where the drain took all time.
const storeGrace = 2 * time.Second

// adminGrace is what answers to operators get at the end.
const adminGrace = time.Second
