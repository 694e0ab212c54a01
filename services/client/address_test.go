package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// An address reaches the server as it was given: what is signed stays valid.
func TestAddressAsGiven(t *testing.T) {
	for _, row := range []struct {
		url, path string // behind the server's
		topics    []string
		more      func(*client.Options)
		want      string
	}{
		{"", "", []string{"b", "a"}, nil, "/v1/events?topic=b&topic=a"},
		{"/", "", []string{"a b"}, nil, "/v1/events?topic=a+b"},
		{"/sub/?z=1&a=2", "", []string{"x"}, nil, "/sub/v1/events?z=1&a=2&topic=x"},
		{"/a%2Fb", "/c%2fd", nil, nil, "/a%2Fb/c%2fd"},
		{"/streams/a%2Fb%20c?sig=a%2Bb%3D&z=1;y=2&a=3", "", nil, nil, "/streams/a%2Fb%20c?sig=a%2Bb%3D&z=1;y=2&a=3"},
		{"/stream?", "", nil, nil, "/stream?"},
		{"/stream?b=2&a=1#top", "", nil, nil, "/stream?b=2&a=1"},
		{"?token=x", "/stream?b=2&a=1", nil, nil, "/stream?b=2&a=1&token=x"},
		{"/stream?z=1", "", nil, func(o *client.Options) { o.ClientID = "me" }, "/stream?z=1&client_id=me"},
	} {
		t.Run(row.want, func(t *testing.T) {
			asked := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.RequestURI
				streaming(w, "data: x\n\n")
			}))
			defer server.Close()
			o := client.Options{URL: server.URL + row.url, Path: row.path, Topics: row.topics, Spare: -1}
			if row.more != nil {
				row.more(&o)
			}
			if got, err := collect(t.Context(), o, 1); err != nil || got[0] != "x" {
				t.Fatalf("%q, %v", got, err)
			}
			if got := <-asked; got != row.want {
				t.Errorf("asked for %s", got)
			}
		})
	}
}

// Where a hub's address names the topics, the stream says which they are, and
// pongs go to the hub.
func TestWholeAddressOfAHub(t *testing.T) {
	ponged := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			ponged <- r.RequestURI
			w.WriteHeader(http.StatusNoContent)
			return
		}
		streaming(w, openTwo("a@1-0,b@5-0", "1-0", "3-0", "5-0", "6-0"), "event: stream.ping\ndata: {\"seq\":1,\"ts\":2}\n\n", event("b@6-0,a@1-0", "y"))
		<-r.Context().Done()
	}))
	defer server.Close()
	o := client.Options{URL: server.URL + "/sub/v1/events?topic=a&topic=b", Pong: true, Spare: -1}
	for e, err := range client.Subscribe(t.Context(), o) {
		if err != nil || e.Topic != "b" || e.ID != "b@6-0,a@1-0" {
			t.Fatalf("%+v, %v", e, err)
		}
		select {
		case got := <-ponged:
			if want := "/sub/v1/connections/c/pong?topic=a&topic=b"; got != want {
				t.Errorf("ponged to %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Error("no pong")
		}
		break
	}
}

// Servers write all kinds of things behind the type.
func TestContentTypes(t *testing.T) {
	for kind, fine := range map[string]bool{
		"text/event-stream": true, "text/event-stream;charset=utf-8;charset=UTF-8": true, "text/event-stream; charset": true,
		"text/event-stream; =x": true, " Text/Event-Stream ;": true, "text/event-stream; charset=\"utf-8": true,
		"text/event-streams": false, "text/plain; text/event-stream": false, "": false, "application/json": false, ";text/event-stream": false,
	} {
		t.Run(kind, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Cache-Control"); got != "no-cache" {
					t.Errorf("Cache-Control: %s", got)
				}
				w.Header()["Content-Type"] = []string{kind}
				fmt.Fprint(w, "data: x\n\n")
			}))
			defer server.Close()
			got, err := collect(t.Context(), client.Options{URL: server.URL, Topics: []string{"a"}, Spare: -1}, 1)
			if fine != (err == nil && len(got) == 1) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
