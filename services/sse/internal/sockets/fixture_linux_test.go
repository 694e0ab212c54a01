package sockets

import (
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// still is a poller that sees nothing.
type still struct{ stop chan struct{} }

func newStill() Poller { return &still{make(chan struct{})} }

func (s *still) Add(int, Ref) error { return nil }
func (s *still) Remove(int)         {}
func (s *still) Run(func([]Ready))  { <-s.stop }
func (s *still) Stop()              { close(s.stop) }

// quietLog is a log whose topics a test appends to.
func quietLog(t testing.TB) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{MemoryBudget: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// handLoop is a loop that nobody runs: the test makes its passes.
func handLoop(log *eventlog.Log) *loop {
	return newLoop(&Config{Log: log, Began: time.Now(), WriteTimeout: time.Minute, EndTimeout: time.Minute, MaxWriteBytes: 256 << 10,
		Heartbeat: heartbeat.Rules{Silence: heartbeat.Never}, NewPoller: newStill}, newTurns())
}

// handPass makes one pass as run does, without rest.
func (l *loop) handPass() {
	l.pass++
	l.woke = l.clock()
	l.now = l.woke.Milliseconds()
	l.receive()
	l.sweep()
	l.forgetViews()
	l.nextGrown = 0
}

// leaver is a session that counts how often it was told of its end.
type leaver struct {
	left   atomic.Int32
	reason stream.Reason
}

func (s *leaver) Gap(*eventlog.GapError) {}
func (s *leaver) Replayed(stream.Replay) {}
func (s *leaver) PingMissed(bool)        {}

func (s *leaver) Left(reason stream.Reason, _ error, _ stream.Sent) {
	s.left.Add(1)
	s.reason = reason
}

// open makes a connection on topics, from their heads on, of one end of a pair
// of sockets, and returns the other.
func (l *loop) open(t testing.TB, log *eventlog.Log, x Session, topics ...string) (c *Conn, other int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	ls := Loops{all: []*loop{l}}
	c = ls.Open(Opening{Socket: Socket{nc: file(t, fds[0]), fd: fds[0]}, Session: x, Stream: follow(t, log, topics...)})
	return c, fds[1]
}

// file returns a copy of a socket as a net.Conn.
func file(t testing.TB, fd int) net.Conn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "stream")
	nc, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); nc.Close() })
	return nc
}

// follow returns a stream of topics from their heads on.
func follow(t testing.TB, log *eventlog.Log, topics ...string) (st stream.Stream) {
	t.Helper()
	for _, name := range topics {
		topic := log.Follow(name)
		t.Cleanup(func() { log.Leave(topic) })
		state, _ := topic.State()
		st.Subs = append(st.Subs, stream.Sub{Cursor: eventlog.Cursor{Topic: topic, At: state.Last}})
	}
	return st
}
