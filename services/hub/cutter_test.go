package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// cutter passes streams of a hub on under /N/v1/events, and breaks the first
// under each N behind byte N of the event of type "large".
type cutter struct {
	hub string

	mu  sync.Mutex // guards cut
	cut map[int]bool
}

var largeBegins = []byte("event: large\n")

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	place, path, _ := strings.Cut(r.URL.Path[1:], "/")
	n, err := strconv.Atoi(place)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	on, err := http.NewRequestWithContext(r.Context(), http.MethodGet, c.hub+"/"+path+"?"+r.URL.RawQuery, nil)
	if err != nil {
		panic(err)
	}
	on.Header = r.Header.Clone()
	answer, err := http.DefaultTransport.RoundTrip(on)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if c.first(n) {
		body := throughLarge(answer.Body)
		_, _ = w.Write(body[:bytes.Index(body, largeBegins)+n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	buf := make([]byte, 64<<10)
	for {
		got, err := answer.Body.Read(buf)
		if _, failed := w.Write(buf[:got]); failed != nil || err != nil {
			panic(http.ErrAbortHandler)
		}
		w.(http.Flusher).Flush()
	}
}

func (c *cutter) first(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.cut[n]
	c.cut[n] = true
	return first
}

// throughLarge reads a stream until the large event is complete, and returns
// all up to its end.
func throughLarge(r io.Reader) []byte {
	var body []byte
	buf := make([]byte, 64<<10)
	for {
		if at := bytes.Index(body, largeBegins); at >= 0 {
			if end := bytes.Index(body[at:], []byte("\n\n")); end >= 0 {
				return body[:at+end+2]
			}
		}
		n, err := r.Read(buf)
		if body = append(body, buf[:n]...); err != nil {
			panic(fmt.Sprintf("the stream ended with %v", err))
		}
	}
}
