package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// smallHub is the hub's stream, and as much of its publishing as the examples
// need.
type smallHub struct {
	*httptest.Server
	events *sse.Handler
	log    *eventlog.Log
}

// exampleHub serves a topic, orders, with some events in it.
func exampleHub(data ...string) *smallHub {
	log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{MemoryBudget: 64 << 20})
	if err != nil {
		panic(err)
	}
	h := &smallHub{events: &sse.Handler{Log: log}, log: log}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/events", h.events)
	mux.HandleFunc("POST /v1/topics/orders/events", h.publish)
	h.Server = httptest.NewServer(mux)
	for _, d := range data {
		h.append("", d)
	}
	return h
}

func (h *smallHub) append(typ, data string) string {
	receipt, err := h.log.Append(context.Background(), "orders", eventlog.TextEntry(typ, data))
	if err != nil {
		panic(err)
	}
	return receipt.ID.String()
}

func (h *smallHub) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Header.Get("Content-Type") != "application/x-ndjson" {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"topic":"orders","id":%q}`, h.append(r.Header.Get("X-Event-Type"), string(body)))
		return
	}
	n := 0
	for text := range strings.Lines(string(body)) {
		var line struct{ Type, Data string }
		if json.Unmarshal([]byte(text), &line) != nil {
			panic(http.ErrAbortHandler)
		}
		n++
		fmt.Fprintf(w, "{\"line\":%d,\"status\":201,\"id\":%q}\n", n, h.append(line.Type, line.Data))
	}
}

// Close ends the streams and the server.
func (h *smallHub) Close() {
	_ = h.events.Shutdown(context.Background())
	h.Server.Close()
	_ = h.log.Close()
}
