package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Who closes a stream and opens another has the place of the first, however
// soon: 150 times, at the limit of an address and at that of the hub, over
// sockets that the delivery loops have and over streams of HTTP/2.
func TestPlaceIsFreeAtOnce(t *testing.T) {
	id := newIdentity(t, time.Now().Add(time.Hour))
	for _, limit := range []string{"--max-connections-per-address", "--max-connections"} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, HTTP/%d", limit[2:], version), func(t *testing.T) {
				client, settings := &http.Client{Transport: &http.Transport{}}, []string{limit, "1"}
				if version == 2 {
					client, settings = id.client(t, true), append(settings, id.settings()...)
				}
				defer client.CloseIdleConnections()
				h := startHub(t, settings...)
				for n := range 150 {
					answer, err := client.Get(h.public + "/v1/events?topic=orders")
					if err != nil {
						t.Fatal(err)
					}
					if answer.StatusCode != 200 || answer.ProtoMajor != version {
						t.Fatalf("%d: %s %s", n, answer.Proto, answer.Status)
					}
					answer.Body.Close()
				}
			})
		}
	}
}
