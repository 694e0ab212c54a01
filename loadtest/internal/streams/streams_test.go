package streams

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/mark"
)

// drivers are the ways in which streams are driven.
var drivers = map[string]func(*Set) (driver, error){
	"system":     newDriver,
	"goroutines": func(s *Set) (driver, error) { return newGoroutines(s), nil },
}

// eachDriver runs a test with every driver, and a server that answers each
// request as serve says.
func eachDriver(t *testing.T, serve func(nc net.Conn, r *http.Request), test func(t *testing.T, s *Set)) {
	for name, drive := range drivers {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					nc, err := l.Accept()
					if err != nil {
						return
					}
					if r, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
						serve(nc, r)
					}
					nc.Close()
				}
			}()
			s := &Set{o: Options{Run: 7, Hubs: []Hub{{Address: l.Addr().String(), Host: "hub"}}, Topics: []string{"a", "b"}, Lanes: 2,
				Path: func(topics []string) string { return "/" + strings.Join(topics, ",") }, Late: time.Minute, SlowBytes: 1000}}
			if s.driver, err = drive(s); err != nil {
				t.Fatal(err)
			}
			test(t, s)
			s.Close()
			l.Close()
			<-done
		})
	}
}

// event is an event as a hub writes it.
func hubEvent(lane, seq uint32, id string) string {
	return fmt.Sprintf("data: %s\nid: %s\n\n", mark.Append(nil, mark.Mark{Run: 7, Lane: lane, Seq: seq, At: time.Now().UnixNano()}, 100), id)
}

const okHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

// chunks is an answer whose body is text, in chunks of so many bytes.
func chunks(text string, chunk int) string {
	out := okHead
	for len(text) > 0 {
		n := min(chunk, len(text))
		out += fmt.Sprintf("%x\r\n%s\r\n", n, text[:n])
		text = text[n:]
	}
	return out
}

// say writes an answer; who is gone has seen enough.
func say(nc net.Conn, text string) { _, _ = io.WriteString(nc, chunks(text, 1<<20)) }

// await looks until something is so, and returns all that was seen.
func await(t *testing.T, s *Set, so func(*Seen) bool) (all Seen) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		seen := s.Look()
		all.add(seen)
		all.Open = seen.Open
		if so(&all) {
			return all
		}
		if time.Now().After(late) {
			t.Fatalf("in vain: %+v, %d open", all.Counts, all.Open)
		}
	}
}

func open(t *testing.T, s *Set, specs ...Spec) {
	t.Helper()
	if err := s.Open(t.Context(), specs, time.Now(), 0); err != nil {
		t.Fatal(err)
	}
}

// However an answer is cut into chunks and pieces, the same is read of it.
func TestPieces(t *testing.T) {
	text := "retry: 20\n\n: hello\n\nevent: stream.open\ndata: {\"x\":1}\nid: a@1-0,b@1-0\n\n"
	for i := range uint32(4) {
		text += hubEvent(i%2, 1+i/2, fmt.Sprintf("a@%d-0,b@1-0", 2+i)) // topic a
		text += "event: order\r\n" + strings.ReplaceAll(hubEvent(2+i%2, 1+i/2, fmt.Sprintf("b@%d-0,a@1-0", 2+i)), "\n", "\r\n")
	}
	text += "data: of somebody else\nid: a@9-9,b@9-9\n\n"
	o := &Options{Run: 7, Topics: []string{"a", "b"}, Lanes: 2, Late: time.Minute}
	e := ear{o: o, sink: newSink(), now: time.Now().UnixNano()}
	read := func(pieces ...string) {
		t.Helper()
		e.sink.Counts = Counts{}
		e.s = &stream{topics: []int{0, 1}, had: []account.Topic{account.NewTopic(2), account.NewTopic(2)}, asked: e.now}
		for _, p := range pieces {
			memory := []byte(p) // another each time, and spoilt after it
			if err := e.s.reply.take(memory, &e); err != nil {
				t.Fatal(err)
			}
			clear(memory)
		}
		c := e.sink.Counts
		if c.Delivered != 8 || c.Connects != 1 || c.Foreign != 1 || c.Doubled+c.Disorder+c.Damaged+c.Astray != 0 || string(e.s.id) != "a@9-9,b@9-9" || e.s.wait != int64(20*time.Millisecond) {
			t.Fatalf("%d pieces, the first %d bytes: %+v", len(pieces), len(pieces[0]), c)
		}
	}
	for _, chunk := range []int{1, 7, 50, 64, 1 << 20} {
		answer := chunks(text, chunk)
		for i := 0; i < len(answer); i += 1 + len(answer)/2500 {
			read(answer[:i], answer[i:])
		}
		read(strings.Split(answer, "")...)
	}
}

// What is wrong with what comes is counted as what it is.
func TestFaults(t *testing.T) {
	damaged := strings.Replace(hubEvent(0, 6, "1-60"), "xxx", "xyx", 1)
	for name, c := range map[string]struct {
		text   string
		want   Counts
		totals account.Totals
	}{
		"well":     {hubEvent(0, 1, "1-1") + hubEvent(0, 2, "1-2"), Counts{Delivered: 2}, account.Totals{Due: 2, Delivered: 2}},
		"lost":     {hubEvent(0, 2, "1-2"), Counts{Delivered: 1}, account.Totals{Due: 2, Delivered: 1, Lost: 1}},
		"twice":    {hubEvent(0, 1, "1-1") + hubEvent(0, 1, "1-1") + hubEvent(0, 2, "1-2"), Counts{Delivered: 2, Doubled: 1}, account.Totals{Due: 2, Delivered: 2}},
		"swapped":  {hubEvent(0, 2, "1-2") + hubEvent(0, 1, "1-1"), Counts{Delivered: 2, Disorder: 1}, account.Totals{Due: 2, Delivered: 2}},
		"by id":    {hubEvent(0, 1, "1-2") + hubEvent(0, 2, "1-1"), Counts{Delivered: 2, Disorder: 1}, account.Totals{Due: 2, Delivered: 2}},
		"damaged":  {hubEvent(0, 1, "1-1") + hubEvent(0, 2, "1-2") + damaged, Counts{Delivered: 2, Damaged: 1}, account.Totals{Due: 2, Delivered: 2}},
		"astray":   {hubEvent(0, 1, "1-1") + hubEvent(0, 2, "1-2") + hubEvent(3, 1, "1-3"), Counts{Delivered: 2, Astray: 1}, account.Totals{Due: 2, Delivered: 2}},
		"told":     {"event: stream.gap\ndata: {\"topic\":\"a\",\"reason\":\"expired\"}\nid: 1-1\n\n" + hubEvent(0, 2, "1-2"), Counts{Delivered: 1, Gaps: 1}, account.Totals{Due: 2, Delivered: 1, Told: 1}},
		"no ids":   {strings.ReplaceAll(hubEvent(0, 1, "x")+hubEvent(0, 2, "x"), "id: x\n", ""), Counts{Delivered: 2}, account.Totals{Due: 2, Delivered: 2}},
		"to spare": {hubEvent(0, 1, "1-1") + hubEvent(0, 2, "1-2") + hubEvent(0, 3, "1-3"), Counts{Delivered: 3}, account.Totals{Due: 2, Delivered: 2, Extra: 1}},
	} {
		serve := func(nc net.Conn, _ *http.Request) {
			say(nc, c.text+"data: end\n\n")
			_, _ = io.Copy(io.Discard, nc)
		}
		eachDriver(t, serve, func(t *testing.T, s *Set) {
			open(t, s, Spec{Topics: []int{0}})
			got := await(t, s, func(a *Seen) bool { return a.Foreign > 0 }).Counts
			got.Foreign, got.Bytes, got.Connects = 0, 0, 0
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
			if totals, _ := s.Sum([]account.Lane{{Last: 2}, {}, {}, {}}); totals != c.totals {
				t.Errorf("%s: %+v, want %+v", name, totals, c.totals)
			}
		})
	}
}

// A stream that ends comes back with its last id, after what the server asked
// for; one that is refused tries again; a 204 is the end.
func TestComeBack(t *testing.T) {
	asks := make(chan string, 100)
	var n atomic.Int32
	serve := func(nc net.Conn, r *http.Request) {
		asks <- r.Header.Get("Last-Event-ID")
		switch n.Add(1) {
		case 1:
			say(nc, "retry: 5\n\n"+hubEvent(0, 1, "1-1")) // and the connection breaks
		case 2:
			_, _ = io.WriteString(nc, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
		case 3:
			say(nc, "retry: 5\n\n"+hubEvent(0, 2, "1-2"))
			_, _ = io.WriteString(nc, "0\r\n\r\n") // in good order
		default:
			_, _ = io.WriteString(nc, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	}
	eachDriver(t, serve, func(t *testing.T, s *Set) {
		n.Store(0)
		open(t, s, Spec{Topics: []int{0}})
		seen := await(t, s, func(a *Seen) bool { return a.Refused[204] > 0 })
		if seen.Connects != 2 || seen.Returns != 1 || seen.Ends != 2 || seen.Failures > 2 || seen.Refused[429] != 1 || seen.Delivered != 2 || seen.Disorder+seen.Doubled != 0 {
			t.Errorf("%+v", seen.Counts)
		}
		for _, want := range []string{"", "1-1", "1-1", "1-2"} {
			if got := <-asks; got != want {
				t.Errorf("asked for after %q, want %q", got, want)
			}
		}
		time.Sleep(30 * time.Millisecond)
		if n := n.Load(); n != 4 {
			t.Errorf("it came back after a 204: %d", n)
		}
	})
}

// Those that are cut off stay away until they may return, and have what they had.
func TestCutAndReturn(t *testing.T) {
	var count atomic.Int32
	served := make(chan string, 100)
	serve := func(nc net.Conn, r *http.Request) {
		n := count.Add(1)
		served <- r.Header.Get("Last-Event-ID")
		say(nc, hubEvent(0, uint32(n), fmt.Sprintf("1-%d", n)))
		_, _ = io.Copy(io.Discard, nc)
	}
	eachDriver(t, serve, func(t *testing.T, s *Set) {
		count.Store(0)
		open(t, s, Spec{Topics: []int{0}})
		await(t, s, func(a *Seen) bool { return a.Delivered == 1 })
		s.Cut()
		await(t, s, func(a *Seen) bool { return a.Open == 0 })
		time.Sleep(30 * time.Millisecond)
		s.Return(time.Millisecond)
		seen := await(t, s, func(a *Seen) bool { return a.Delivered == 1 })
		if first, second := <-served, <-served; first != "" || second != "1-1" || seen.Returns != 1 || seen.Ends != 0 || len(served) > 0 {
			t.Errorf("%q %q %+v", first, second, seen.Counts)
		}
		if totals, _ := s.Sum([]account.Lane{{Last: 2}, {}, {}, {}}); totals != (account.Totals{Due: 2, Delivered: 2}) {
			t.Errorf("%+v", totals)
		}
	})
}

// Streams that do not read on purpose are no part of the account, and slow ones
// may be behind.
func TestPaces(t *testing.T) {
	text := ""
	for i := range uint32(200) {
		text += hubEvent(0, i+1, fmt.Sprintf("1-%d", i+1))
	}
	serve := func(nc net.Conn, r *http.Request) {
		_, _ = io.WriteString(nc, okHead)
		fmt.Fprintf(nc, "%x\r\n%s\r\n", len(text), text)
		nc.(*net.TCPConn).CloseWrite() // so that the next is served
	}
	eachDriver(t, serve, func(t *testing.T, s *Set) {
		open(t, s, Spec{Number: 0, Topics: []int{0}, Pace: Never})
		await(t, s, func(a *Seen) bool { return a.Connects > 0 })
		open(t, s, Spec{Number: 1, Topics: []int{0}, Pace: Slow})
		await(t, s, func(a *Seen) bool { return a.Delivered > 2 })
		totals, without := s.Sum([]account.Lane{{Last: 1000}, {}, {}, {}})
		if totals.Due != 1000 || totals.Slow < 700 || totals.Behind != 0 || without != 0 {
			t.Errorf("%+v %d", totals, without)
		}
	})
}
