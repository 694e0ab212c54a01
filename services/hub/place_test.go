package main

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// All that an address has are closed, and as many are opened at once.
func TestPlacesAreFreeAtOnce(t *testing.T) {
	const places = 10
	h := startHub(t, "--max-connections-per-address", strconv.Itoa(places))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 20 {
		var opening sync.WaitGroup
		opened := make(chan *http.Response, places)
		for range places {
			opening.Go(func() {
				answer, err := client.Get(h.public + "/v1/events?topic=orders")
				if err != nil || answer.StatusCode != 200 {
					t.Errorf("%v, %v", answer, err)
					return
				}
				opened <- answer
			})
		}
		opening.Wait()
		close(opened)
		for answer := range opened {
			answer.Body.Close()
		}
	}
}

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
