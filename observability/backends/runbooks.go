package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"time"
)

// serveRunbooks serves a folder of runbooks as plain text, as the edge of the
// compose stack does. It returns the URL, without a slash at its end, and what
// ends it.
func serveRunbooks(folder, address string) (url string, stop func() error, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("serving runbooks: %w: give another address with --runbooks (port 0 is any free one)", err)
	}
	files := http.FileServerFS(os.DirFS(folder))
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.StripPrefix("/runbooks", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.Ext(r.URL.Path) == ".md" {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			}
			files.ServeHTTP(w, r)
		})),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }() // stop waits for it
	return "http://" + l.Addr().String() + "/runbooks", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			server.Close() // whoever still reads has had a second
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}
