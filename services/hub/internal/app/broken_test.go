package app

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// TestBrokenStoreEndsTheHub: a store that can't go on ends the hub in order, with
// its reason.
func TestBrokenStoreEndsTheHub(t *testing.T) {
	h := newTestHub(t, eventlog.Memory(eventlog.MemoryOptions{}), func(s *settings.Settings, _ *settings.Times) {
		s.DrainTimeout = 2 * time.Second
	})
	h.broken = make(chan error, 1)
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	ended := make(chan error, 1)
	go func() { ended <- h.run(t.Context(), listeners[0], listeners[1]) }()
	answer, err := http.Get("http://" + listeners[1].Addr().String() + "/healthz")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	cause := errors.New("the disk is broken: nothing is acknowledged any more")
	h.broken <- cause
	select {
	case err := <-ended:
		if !errors.Is(err, cause) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
	http.DefaultClient.CloseIdleConnections()
}
