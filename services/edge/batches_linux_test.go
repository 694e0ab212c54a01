package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A large batch goes to the hub as it comes: its token is looked at before the
// rest is there, nothing of it is on the edge's disk, and an address has only so
// many under way.
func TestLargeBatchesAreNotKept(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("secret ", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _ := behindEdge(t, []string{"--large-bodies", "3"}, "--jwt-secret-file", secret)
	answer, text := refused(t, e)
	wantsProblem(t, answer, text, http.StatusUnauthorized, "unauthorized")
	if kept := spooled(t, e); kept != "" {
		t.Errorf("kept is %s", kept)
	}
}

// refused begins a large batch without a token, sends a tenth of it, and reads
// the answer.
func refused(t *testing.T, e *door) (*http.Response, string) {
	t.Helper()
	c, lines := slowBatch(t, e)
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, err := http.ReadResponse(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// slowBatch sends the beginning of a batch of 4 MB, and goes on no further.
func slowBatch(t *testing.T, e *door) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	head := "POST /v1/topics/orders/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 4000000\r\n\r\n"
	if _, err := io.WriteString(c, head+strings.Repeat(`{"data":"x"}`+"\n", 30_000)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// spooled returns the files that the edge has of bodies.
func spooled(t *testing.T, e *door) (found string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(e.folder, "nginx"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.Contains(path, "body") {
			found += path + " "
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Slow batches of one address are so many at most; one more is told to wait, in
// the form of all refusals, while others and single events are not held up.
func TestSlowBatchesAreBounded(t *testing.T) {
	t.Parallel()
	const most = 3
	e, _ := behindEdge(t, []string{"--large-bodies", fmt.Sprint(most)})
	for range most {
		slowBatch(t, e)
	}
	await(t, "one more is refused", func() bool {
		c, lines := slowBatch(t, e)
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		answer, err := http.ReadResponse(lines, nil)
		if err != nil {
			return false
		}
		text, _ := io.ReadAll(answer.Body)
		wantsProblem(t, answer, string(text), http.StatusTooManyRequests, "body-limit")
		if after := answer.Header.Get("Retry-After"); after != "1" && after != "2" {
			t.Errorf("Retry-After: %q", after)
		}
		return true
	})
	publish(t, e.url, "orders", "a single event")
	batch := strings.Repeat(`{"data":"`+strings.Repeat("x", 1000)+`"}`+"\n", 500)
	r, err := http.NewRequestWithContext(t.Context(), "POST", e.url+"/v1/topics/orders/events", strings.NewReader(batch))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	answer, err := clientAt("127.0.0.9").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("a batch of another address: %s", answer.Status)
	}
}

// Chunks are a batch of unknown length: it goes on likewise, and arrives whole.
func TestBatchInChunks(t *testing.T) {
	e, _ := behind(t)
	read, write := io.Pipe()
	go func() {
		for i := range 1000 {
			fmt.Fprintf(write, `{"data":"%d"}`+"\n", i)
		}
		write.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), "POST", e.url+"/v1/topics/orders/events", read)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if n := strings.Count(string(text), `"status":201`); err != nil || n != 1000 {
		t.Errorf("%s: %d stored, %v", answer.Status, n, err)
	}
}
