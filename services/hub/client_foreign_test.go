package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	rsse "github.com/r3labs/sse/v2"
	gosse "github.com/tmaxmax/go-sse"
)

// Clients that nobody here wrote follow the hub, and resume with their own
// means when their connection is cut.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	for name, follow := range map[string]func(ctx context.Context, url string, got func(id, data string)) error{"go-sse": followGoSSE, "r3labs": followR3labs} {
		t.Run(name, func(t *testing.T) {
			h := startHub(t)
			way := newNetwork(t, strings.TrimPrefix(h.public, "http://"))
			p := newPublisher(t, h.public)
			for n := range 3 {
				publishNumber(t, p, n)
			}
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			next := 0
			err := follow(ctx, "http://"+way.address+"/v1/events?topic=orders&last_event_id=0", func(id, data string) {
				if strings.HasPrefix(data, "{") { // stream.open
					return
				}
				if want := string(rune('0' + next)); data != want || id == "" {
					t.Errorf("got %q as %s, want %s", data, id, want)
				}
				switch next++; next {
				case 3:
					way.cut()
					for n := range 3 {
						publishNumber(t, p, 3+n)
					}
				case 6:
					stop()
				}
			})
			if next != 6 || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("ended after %d events with %v", next, err)
			}
		})
	}
}

func followGoSSE(ctx context.Context, url string, got func(id, data string)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	c := gosse.NewConnection(r)
	c.SubscribeToAll(func(e gosse.Event) { got(e.LastEventID, e.Data) })
	return c.Connect()
}

func followR3labs(ctx context.Context, url string, got func(id, data string)) error {
	return rsse.NewClient(url).SubscribeRawWithContext(ctx, func(m *rsse.Event) {
		if len(m.Data) > 0 {
			got(string(m.ID), string(m.Data))
		}
	})
}

// What the hub's README says of lines over 64 KiB: the libraries' options help,
// and without them the event never arrives.
func TestOtherClientsLongLines(t *testing.T) {
	t.Parallel()
	h := startHub(t)
	publish(t, h, "", nil, strings.Repeat("x", 100<<10))
	address := h.public + "/v1/events?topic=orders&last_event_id=0"
	goSSE := func(buffer int) func(ctx context.Context, got func(data string)) {
		return func(ctx context.Context, got func(data string)) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			c := gosse.NewConnection(r)
			if buffer > 0 {
				c.Buffer(nil, buffer)
			}
			c.SubscribeToAll(func(e gosse.Event) { got(e.Data) })
			_ = c.Connect()
		}
	}
	r3labs := func(options ...func(*rsse.Client)) func(ctx context.Context, got func(data string)) {
		return func(ctx context.Context, got func(data string)) {
			_ = rsse.NewClient(address, options...).SubscribeRawWithContext(ctx, func(m *rsse.Event) { got(string(m.Data)) })
		}
	}
	ended, end := context.WithCancel(t.Context())
	end() // who cannot read the event is to try once
	var parts atOnce
	defer parts.Wait()
	for _, row := range []struct {
		name   string
		follow func(ctx context.Context, got func(data string))
		want   bool
	}{
		{"go-sse", goSSE(0), false}, {"go-sse with Buffer", goSSE(1 << 20), true},
		{"r3labs", r3labs(func(c *rsse.Client) { c.ReconnectStrategy = soon{ended} }), false}, {"r3labs with ClientMaxBufferSize", r3labs(rsse.ClientMaxBufferSize(1 << 20)), true},
	} {
		parts.run(t, row.name, func(t *testing.T) {
			patience := time.Minute
			if !row.want {
				patience = 4 * time.Second // in which it would long have arrived
			}
			ctx, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			arrived := false
			row.follow(ctx, func(data string) {
				if len(data) == 100<<10 {
					arrived = true
					stop()
				}
			})
			if arrived != row.want {
				t.Errorf("arrived: %v", arrived)
			}
		})
	}
}
