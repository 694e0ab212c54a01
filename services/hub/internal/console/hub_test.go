package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

const testTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// kept is how many events of a topic the test's hub keeps.
const kept = 25_000

// testHub is what the page needs of a hub: its streams over a log in memory,
// publishing, and its figures, behind the same protection.
type testHub struct {
	t       *testing.T
	address string
	refuse  atomic.Bool // whether new streams get 429

	log     *eventlog.Log
	streams *sse.Handler
	server  *http.Server
}

func newTestHub(t *testing.T) *testHub {
	h := &testHub{t: t, address: "127.0.0.1:0"}
	h.start()
	t.Cleanup(h.stop)
	return h
}

// start begins with an empty log, as a hub does whose store is memory.
func (h *testHub) start() {
	h.t.Helper()
	log, err := eventlog.Open(eventlog.Memory(eventlog.Retention{Events: kept}, 0), eventlog.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.log = log
	h.streams = &sse.Handler{Log: log, Node: "n1", TraceID: func(*http.Request) string { return testTrace }}
	l, err := net.Listen("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.address = l.Addr().String()
	page := Handler(Welcome("http://" + h.address))
	mux := http.NewServeMux()
	for _, path := range Paths() {
		if path == "/" {
			path = "/{$}"
		}
		mux.Handle(path, page)
	}
	mux.HandleFunc("/v1/events", h.subscribe)
	mux.HandleFunc("POST /v1/topics/{topic}/events", h.publish)
	h.server = &http.Server{Handler: http.NewCrossOriginProtection().Handler(mux)}
	go h.server.Serve(h.streams.Listener(l))
}

func (h *testHub) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	h.streams.Shutdown(ctx)
	h.server.Close()
	h.log.Close()
}

func (h *testHub) subscribe(w http.ResponseWriter, r *http.Request) {
	if h.refuse.Load() {
		sse.WriteProblem(w, &sse.Rejection{Status: 429, Type: "connection-limit", Title: "Too many connections",
			Detail: "the server holds as many streams as it may", RetryAfter: 3 * time.Second}, testTrace)
		return
	}
	h.streams.ServeHTTP(w, r)
}

func (h *testHub) publish(w http.ResponseWriter, r *http.Request) {
	topic, typ := r.PathValue("topic"), r.URL.Query().Get("type")
	if typ != "" && !sse.ValidType(typ) {
		sse.WriteProblem(w, &sse.Rejection{Status: 400, Type: "invalid-type", Title: "Invalid event type",
			Detail: "a type is 1 to 128 printable characters, and not open, error or one that starts with stream."}, testTrace)
		return
	}
	data, _ := io.ReadAll(r.Body)
	id, err := h.append(topic, typ, string(data))
	if err != nil {
		sse.WriteProblem(w, &sse.Rejection{Status: 503, Type: "store-failed", Detail: err.Error()}, testTrace)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"topic":%q,"id":%q}`, topic, id)
}

func (h *testHub) append(topic, typ, data string) (eventlog.ID, error) {
	return h.log.Append(context.Background(), topic, eventlog.Entry{Body: sse.AppendBody(nil, typ, []byte(data), "")})
}

// feed publishes n events and returns when they are in the log.
func (h *testHub) feed(topic, typ string, n int) {
	h.t.Helper()
	for i := range n {
		if _, err := h.append(topic, typ, fmt.Sprintf(`{"n":%d}`, i)); err != nil {
			h.t.Fatal(err)
		}
	}
}

// lose publishes so much that older events of the topic are gone, and waits
// until retention has taken them.
func (h *testHub) lose(topic string) {
	h.t.Helper()
	h.feed(topic, "lost", 2*kept)
	for range 100 {
		for _, info := range h.log.Topics() {
			if info.Name == topic && info.State.Events <= kept {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.t.Fatal("retention took nothing")
}

// figures publishes what a hub says of itself in its nth second.
func (h *testHub) figures(n int) {
	wave := func(period, phase float64) float64 {
		return 1 + 0.5*math.Sin(float64(n)/period+phase) + 0.1*math.Sin(float64(n)*1.7)
	}
	data, err := json.Marshal(map[string]any{
		"ts": time.Now().UnixMilli() - 120_000 + int64(n)*1000, "node": "n1", "release": "stable",
		"connections": 1200 + 10*n, "publishes_per_s": 32 * wave(9, 0), "deliveries_per_s": 38_400 * wave(9, 0.1),
		"delivered_bytes_per_s": 5_300_000 * wave(9, 0.1), "behind": max(0, n%40-36), "behind_bytes": 70_000 * max(0, n%40-36),
		"stalls_per_s": 0.4, "topics": 4, "tail_bytes": 8_212_345, "memory_bytes": 45_678_901 + 100_000*(n%30), "goroutines": 30,
		"classes": []map[string]any{{"class": "orders", "publishes_per_s": 28.1}, {"class": "other", "publishes_per_s": 3.2}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.append("hub.stats", "", string(data)); err != nil {
		h.t.Fatal(err)
	}
}
