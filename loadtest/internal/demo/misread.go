package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// badReaders come from too far away, answer no pings, stall, or are refused.
func (d *demo) badReaders() []actor {
	all := []actor{
		{20 * time.Second, d.strayed("orders.us", "1-0")},             // before all that is kept, once something had to go
		{60 * time.Second, d.strayed("orders.eu", "9999999999999-0")}, // after all that there is
		{8 * time.Second, d.refused("/v1/events?topic=.none", http.StatusBadRequest)},
		{15 * time.Second, d.refused("/v1/events?topic=.none&on_reject=retry", http.StatusOK)},
		{10 * time.Second, d.deaf},
		{20 * time.Second, d.crawls},
		{20 * time.Second, d.stalls},
	}
	if d.hub.TokenFile != "" {
		all = append(all, actor{12 * time.Second, func(ctx context.Context) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.hub.URL+"/v1/events?topic=orders.eu", nil)
			if err != nil {
				return err
			}
			return d.ask(r, http.StatusUnauthorized)
		}})
	}
	return all
}

// strayed resumes from an id that the hub cannot resume from, and leaves when
// it is told so.
func (d *demo) strayed(topic, id string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := d.read(ctx, reader{o: client.Options{Topics: []string{topic}, LastEventID: id},
			enjoys: func(e client.Event) bool { return e.Gap == nil }})
		return err
	}
}

func (d *demo) refused(path string, status int) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := d.hub.Request(ctx, http.MethodGet, path, "")
		if err != nil {
			return err
		}
		return d.ask(r, status)
	}
}

// raw opens a stream without the client package, with small buffers of its own,
// and hands it over until the end of its time. What becomes of it is up to the
// hub.
func (d *demo) raw(ctx context.Context, query string, most time.Duration, with func(ctx context.Context, body io.Reader)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	r, err := d.hub.Request(ctx, http.MethodGet, "/v1/events?"+query, "")
	if err != nil {
		return err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok {
			err = tcp.SetReadBuffer(4 << 10)
		}
		return c, err
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, TLSClientConfig: d.hub.TLS(), DialContext: dial}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("a stream was answered " + answer.Status)
	}
	with(ctx, answer.Body)
	return nil
}

// deaf asks for pings and answers none.
func (d *demo) deaf(ctx context.Context) error {
	return d.raw(ctx, "topic=orders.us&heartbeat=pong", 2*time.Minute, func(_ context.Context, body io.Reader) {
		_, _ = io.Copy(io.Discard, body) // until the hub has had enough
	})
}

// crawls reads 16 KiB a second of a topic that has much.
func (d *demo) crawls(ctx context.Context) error {
	if err := d.fillBulk(ctx); err != nil {
		return err
	}
	return d.raw(ctx, "topic="+bulkTopic+"&last_event_id=0", 40*time.Second, func(ctx context.Context, body io.Reader) {
		piece := make([]byte, 4<<10)
		for {
			if _, err := io.ReadFull(body, piece); err != nil || !pause(ctx, 250*time.Millisecond) {
				return
			}
		}
	})
}

// stalls reads nothing of it.
func (d *demo) stalls(ctx context.Context) error {
	if err := d.fillBulk(ctx); err != nil {
		return err
	}
	return d.raw(ctx, "topic="+bulkTopic+"&last_event_id=0", 40*time.Second, func(ctx context.Context, _ io.Reader) { <-ctx.Done() })
}

// What is kept for readers that stall: more than the sockets on the way hold.
const (
	bulkTopic = "demo.bulk"
	bulkEvent = 64 << 10
	bulkBytes = 8 << 20
)

// fillBulk publishes what is missing of the bulk.
func (d *demo) fillBulk(ctx context.Context) error {
	d.bulk.Lock()
	defer d.bulk.Unlock()
	have := 0
	reading, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err := d.read(reading, reader{live: true, o: client.Options{Topics: []string{bulkTopic}, LastEventID: "0"},
		enjoys: func(e client.Event) bool { have += len(e.Data); return have < bulkBytes }})
	if err != nil {
		return err
	}
	for ; have < bulkBytes; have += bulkEvent {
		if _, err := d.publish(ctx, bulkTopic, client.Message{Type: "bulk", Data: strings.Repeat("sixteen letters ", bulkEvent/16)}); err != nil {
			return err
		}
		if !pause(ctx, 20*time.Millisecond) {
			return nil
		}
	}
	return nil
}
