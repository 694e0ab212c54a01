package subscribe

import (
	"context"
	"net/http"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/clients"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/roomtest"
)

// newRoom returns the room's routes with what is in front of them.
func newRoom(t testing.TB) http.Handler {
	t.Helper()
	g := roomtest.New(t, eventlog.Memory(eventlog.MemoryOptions{}), nil)
	known, err := clients.Open(clients.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Settings: &g.Settings, Log: g.Log, Clients: known, Front: g.Front, Metrics: g.Metrics, Tracing: g.Tracing,
		Logger: g.Logger, Lines: g.Logger, Early: func(*eventlog.GapError) bool { return false }, Connected: func() {}})
	t.Cleanup(func() {
		s.Handler.Shutdown(context.Background())
		known.Close(context.Background())
	})
	e := g.Front.Router("nothing")
	e.GET(front.StreamPath, s.Serve)
	e.HEAD(front.StreamPath, s.Serve)
	e.POST(front.PongPath, s.Pong)
	return g.Front.Public(e)
}
