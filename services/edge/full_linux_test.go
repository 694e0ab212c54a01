package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// A worker whose connections are used up says so, in the log and in the metrics;
// who is turned away gets an answer of the edge's, or none, and never a page of
// nginx's. Streams that are open go on.
func TestConnectionsUsedUp(t *testing.T) {
	e, h := behindEdge(t, []string{"--workers", "1", "--worker-connections", "64"})
	const room = 64 / 2 * 15 / 16
	for range room {
		open(t, "GET", e.url+"/v1/events?topic=orders", "")
	}
	await(t, "the hub has the streams", func() bool { return len(h.connections()) == room })
	// Whoever is about to send a request holds a connection too.
	for range 64 {
		c, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte("GET /v1/events?topic=orders HTTP/1.1\r\n"))
	}
	await(t, "it is counted", func() bool { return figure(t, e, `sse_edge_faults_total{fault="connections"}`) > 0 })
	await(t, "it is logged", func() bool { return strings.Contains(e.written(t), "worker_connections are not enough") })
	if got := figure(t, e, "sse_edge_worker_connections_limit"); got != 64 {
		t.Errorf("the limit is %v", got)
	}
	await(t, "they are in use", func() bool { return figure(t, e, "sse_edge_worker_connections") >= 60 })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 20 {
		answer, err := client.Post(e.url+"/v1/topics/orders/events", "text/plain", strings.NewReader("x"))
		if err != nil {
			continue // it had no connection
		}
		if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/") {
			t.Errorf("%s, %s", answer.Status, kind)
		}
		answer.Body.Close()
	}
	if got := len(h.connections()); got != room {
		t.Errorf("%d of %d streams are left", got, room)
	}
}
