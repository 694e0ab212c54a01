package logs

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// hole is a server that accepts and never answers.
type hole struct {
	net.Listener
	accepted chan struct{} // one for each connection
	ended    sync.WaitGroup
}

func newHole(t *testing.T) *hole {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{Listener: listener, accepted: make(chan struct{}, 1000)}
	h.ended.Go(func() {
		var conns []net.Conn
		for {
			c, err := listener.Accept()
			if err != nil {
				break
			}
			conns = append(conns, c)
			h.accepted <- struct{}{}
		}
		for _, c := range conns {
			c.Close()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		h.ended.Wait()
	})
	return h
}

// While a push hangs, every call that logs returns; so does Close in its time.
func TestHangs(t *testing.T) {
	h := newHole(t)
	p := quick()
	p.timeout = time.Minute // the push ends with the server, at the end of the test
	l, a := begin(t, "http://"+h.Addr().String(), io.Discard, p)
	logMany(l, 1)
	<-h.accepted
	logMany(l, flood)
	sent, dropped := a.snapshot()
	if sent != 0 || dropped[outbox.QueueFull] != flood-lokiLines || l.Depth() != lokiLines {
		t.Errorf("while it hangs: %d sent, %v dropped, %d wait", sent, dropped, l.Depth())
	}
	closeWithin(t, l, 200*time.Millisecond)
	sent, dropped = a.awaitAll(t, 1+flood)
	if sent != 0 || dropped[outbox.Shutdown] != 1+lokiLines {
		t.Errorf("%d sent, %v dropped", sent, dropped)
	}
	wantReasons(t, dropped, outbox.QueueFull, outbox.Shutdown)
}

// Of long lines fewer wait.
func TestHangsWithLongLines(t *testing.T) {
	h := newHole(t)
	p := quick()
	p.timeout = time.Minute
	l, a := begin(t, "http://"+h.Addr().String(), io.Discard, p)
	logMany(l, 1)
	<-h.accepted
	const length, n = 50_000, 1000 // 50 MB
	long := strings.Repeat("x", length)
	for range n {
		l.Logger().Info(long)
	}
	if wait := l.Depth(); wait == 0 || wait > lokiBytes/length {
		t.Errorf("%d lines of %d bytes wait", wait, length)
	}
	closeWithin(t, l, 100*time.Millisecond)
	_, dropped := a.awaitAll(t, 1+n)
	delete(dropped, StdoutFull) // standard output may not keep up with it either
	wantReasons(t, dropped, outbox.QueueFull, outbox.Shutdown)
}

// A server that hangs costs the time-outs of its batch, no more.
func TestHangTimesOut(t *testing.T) {
	h := newHole(t)
	p := quick()
	p.timeout = 50 * time.Millisecond
	l, a := begin(t, "http://"+h.Addr().String(), io.Discard, p)
	logMany(l, 10)
	if _, dropped := a.awaitAll(t, 10); dropped[outbox.Unavailable] != 10 {
		t.Errorf("dropped %v", dropped)
	}
	closeWithin(t, l, time.Second)
}
