package sse

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
)

// virtual is a handler in virtual time with the client of one stream: time
// passes only where everything waits for it.
type virtual struct {
	t      *testing.T
	h      *Handler
	log    *eventlog.Log
	client virtualClient
	id     string // of the connection
	text   string // all that the client has read

	mu    sync.Mutex // guards what follows
	rtts  []time.Duration
	lost  int
	ended Reason
	endAt time.Time
}

// virtualClient is the other end of a stream.
type virtualClient interface {
	// read returns what has arrived. A client that does not read is frozen.
	read() string
}

// inVirtualTime runs a test for each driver of streams, in a bubble of its
// own. Between the steps of a test nothing but time passes.
func inVirtualTime(t *testing.T, options func(*Handler), query string, test func(v *virtual)) {
	for name, dial := range map[string]func(*virtual, string) virtualClient{"loop": dialLoop, "request": dialRequest} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{})
				if err != nil {
					t.Fatal(err)
				}
				v := &virtual{t: t, h: &Handler{Log: log, HeartbeatInterval: -1, WriteTimeout: heartbeat.Never}, log: log}
				v.h.Observer = v
				if options != nil {
					options(v.h)
				}
				v.h.once.Do(func() { v.h.server = newServer(v.h) })
				t.Cleanup(v.shut)
				v.client = dial(v, "/v1/events?topic=a&"+query)
				v.settle()
				_, rest, _ := strings.Cut(v.text, `"connection":"`)
				v.id, _, _ = strings.Cut(rest, `"`)
				test(v)
			})
		})
	}
}

// shut ends the handler and proves that nothing is left.
func (v *virtual) shut() {
	if err := v.h.Shutdown(context.Background()); err != nil {
		v.t.Error(err)
	}
	if st := v.h.Stats(); st.Degraded != 0 || st.Connections != 0 {
		v.t.Errorf("%+v after the end", st)
	}
	v.log.Close()
}

// settle lets everything happen that can without time, and reads.
func (v *virtual) settle() {
	synctest.Wait()
	v.text += v.client.read()
	synctest.Wait()
}

// until lets time pass in small steps until something holds, and returns how
// much.
func (v *virtual) until(what string, most time.Duration, ok func() bool) time.Duration {
	v.t.Helper()
	start := time.Now()
	for v.settle(); !ok(); v.settle() {
		if time.Since(start) > most {
			v.t.Fatalf("%s: not after %v", what, most)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// pass lets time pass, with a client that reads.
func (v *virtual) pass(d time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); v.settle() {
		time.Sleep(10 * time.Millisecond)
	}
}

func (v *virtual) pings() int { return strings.Count(v.text, "event: stream.ping\ndata: {\"seq\":") }

// awaitPing waits for the next ping and proves that it comes in time.
func (v *virtual) awaitPing(least, most time.Duration) {
	v.t.Helper()
	n := v.pings()
	if took := v.until("a ping", most, func() bool { return v.pings() > n }); took < least {
		v.t.Errorf("a ping after %v, want at least %v", took, least)
	}
}

// expectHealth proves what is shown of the stream.
func (v *virtual) expectHealth(want Health, rtt time.Duration, missed, pongs int) {
	v.t.Helper()
	synctest.Wait()
	states, total := v.h.Connections("", 10)
	if total != 1 || states[0].Health != want || states[0].RTT != rtt {
		v.t.Errorf("%d streams: %+v, want %s and %v", total, states, want, rtt)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.lost != missed || len(v.rtts) != pongs {
		v.t.Errorf("told of %d missed and %v, want %d and %d pongs", v.lost, v.rtts, missed, pongs)
	}
	degraded := 0
	if want == Degraded {
		degraded = 1
	}
	if n := v.h.Stats().Degraded; n != degraded {
		v.t.Errorf("%d streams are degraded", n)
	}
}

// awaitEnd waits for the end of the stream and returns how long it took.
func (v *virtual) awaitEnd(want Reason, most time.Duration) time.Duration {
	v.t.Helper()
	start := time.Now()
	time.Sleep(most)
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended != want {
		v.t.Fatalf("ended: %q, want %q", v.ended, want)
	}
	return v.endAt.Sub(start)
}

func (v *virtual) Connected(context.Context, *Conn, []eventlog.Outcome, time.Time) {}
func (v *virtual) Replayed(*Conn, Replay)                                          {}
func (v *virtual) Gap(*Conn, *eventlog.GapError)                                   {}
func (v *virtual) Failed(_ string, err error)                                      { v.t.Error(err) }

func (v *virtual) Ponged(rtt time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rtts = append(v.rtts, rtt)
}

func (v *virtual) PingMissed() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lost++
}

func (v *virtual) Disconnected(_ *Conn, reason Reason, _ error, _ Sent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended, v.endAt = reason, time.Now()
}

// pipe is the client of a stream that net/http writes over HTTP/1.0.
type pipe struct{ net.Conn }

func dialRequest(v *virtual, target string) virtualClient {
	client, server := net.Pipe()
	l := &oneConn{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conn <- server
	web := &http.Server{Handler: v.h}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(l) })
	v.t.Cleanup(func() {
		client.Close()
		web.Close()
		serving.Wait()
	})
	if _, err := io.WriteString(client, "GET "+target+" HTTP/1.0\r\n\r\n"); err != nil {
		v.t.Fatal(err)
	}
	return pipe{client}
}

// read takes what comes without any time passing.
func (p pipe) read() string {
	var all strings.Builder
	buf := make([]byte, 64<<10)
	for {
		_ = p.SetReadDeadline(time.Now().Add(time.Nanosecond))
		n, err := p.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			return all.String()
		}
	}
}

type oneConn struct {
	conn   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
