package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStdoutKeepsOrderAndFlushesAtClose(t *testing.T) {
	var out bytes.Buffer
	q := newStdout(&out, 1<<20, func(int) { t.Error("dropped a line") })
	var want strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&want, "line %d\n", i)
		fmt.Fprintf(q, "line %d\n", i)
	}
	q.close(t.Context())
	if out.String() != want.String() {
		t.Error("lines are missing or out of order")
	}
}

// A reader that takes nothing holds up neither the writers nor the end.
func TestStdoutNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		dropped := 0
		q := newStdout(w, 100, func(n int) { dropped += n })
		line := []byte("0123456789")
		q.Write(line)
		synctest.Wait() // the queue now hangs in its first write
		for range 15 {
			q.Write(line)
		}
		if dropped != 5 {
			t.Errorf("dropped %d of 15 lines that met room for 10", dropped)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		q.close(ctx)
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("close took %v, want 3s", d)
		}
		go io.Copy(io.Discard, r)
		synctest.Wait()
		w.Close()
	})
}
