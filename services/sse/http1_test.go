package sse_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// http1 is a client that reads HTTP/1.1 itself and accepts it only where it is
// correct to the byte.
type http1 struct {
	t      testing.TB
	conn   *net.TCPConn
	in     *bufio.Reader
	rest   []byte // of the chunk being read
	chunks []int  // sizes so far, the last one included
	done   bool   // the last chunk has been read
	*wire.Decoder
}

// dial connects without sending anything. The receive buffer is the kernel's
// own choice where it is 0.
func (f *fixture) dial(t testing.TB, receiveBuffer int) *http1 {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	w := &http1{t: t, conn: c.(*net.TCPConn), in: bufio.NewReaderSize(c, 512)}
	w.Decoder = wire.NewDecoder(bodyOf{w})
	t.Cleanup(func() { c.Close() })
	if receiveBuffer > 0 {
		_ = w.conn.SetReadBuffer(receiveBuffer)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	return w
}

// get subscribes over HTTP/1.1 and returns behind the head.
func (f *fixture) get(t testing.TB, query string, headers ...string) *http1 {
	t.Helper()
	w := f.dial(t, 0)
	w.request("GET", "/v1/events?"+query, headers...)
	w.head200()
	return w
}

// request sends one.
func (w *http1) request(method, target string, headers ...string) {
	w.t.Helper()
	w.send(requestText(method, target, headers...))
}

func requestText(method, target string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: test\r\n", method, target)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

func (w *http1) send(text string) {
	w.t.Helper()
	if _, err := w.conn.Write([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

// head reads a response head.
func (w *http1) head() (status string, h http.Header) {
	w.t.Helper()
	status, err := w.line()
	if err != nil {
		w.t.Fatalf("reading the head: %v", err)
	}
	h = http.Header{}
	for {
		line, err := w.line()
		if err != nil {
			w.t.Fatalf("reading the head: %v", err)
		}
		if line == "" {
			return status, h
		}
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name != textproto.CanonicalMIMEHeaderKey(name) {
			w.t.Fatalf("header line %q", line)
		}
		h.Add(name, value)
	}
}

func (w *http1) head200() http.Header {
	w.t.Helper()
	status, h := w.head()
	if status != "HTTP/1.1 200 OK" || h.Get("Transfer-Encoding") != "chunked" {
		w.t.Fatalf("answer: %s %v", status, h)
	}
	return h
}

// line reads up to CRLF and refuses a bare LF.
func (w *http1) line() (string, error) {
	text, err := w.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(text, "\r\n") {
		return "", fmt.Errorf("line %q does not end with CRLF", text)
	}
	return text[:len(text)-2], nil
}

// bodyOf reads the chunks' bytes; io.EOF comes only with the last chunk.
type bodyOf struct{ *http1 }

var errFraming = errors.New("framing is broken")

func (b bodyOf) Read(p []byte) (int, error) {
	w := b.http1
	if w.done {
		return 0, io.EOF
	}
	if len(w.rest) == 0 {
		if err := w.nextChunk(); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// nextChunk reads one chunk: its size in canonical form without extensions,
// its bytes, which are whole events, and its end.
func (w *http1) nextChunk() error {
	line, err := w.line()
	if err != nil {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	size, err := strconv.ParseUint(line, 16, 31)
	if err != nil || strconv.FormatUint(size, 16) != line {
		return fmt.Errorf("%w: chunk size %q", errFraming, line)
	}
	w.chunks = append(w.chunks, int(size))
	w.rest = make([]byte, size)
	if _, err := io.ReadFull(w.in, w.rest); err != nil {
		return err
	}
	if line, err = w.line(); err != nil {
		return err
	}
	if line != "" {
		return fmt.Errorf("%w: %q behind a chunk", errFraming, line)
	}
	if size == 0 {
		w.done = true
		return io.EOF
	}
	if !strings.HasSuffix(string(w.rest), "\n\n") {
		return fmt.Errorf("%w: a chunk ends inside an event: …%q", errFraming, w.rest[max(0, len(w.rest)-40):])
	}
	return nil
}

// next returns the next event.
func (w *http1) next() wire.Message { return nextOf(w.t, w.Decoder) }

// end proves that the stream ends in good order, with nothing before.
func (w *http1) end() {
	w.t.Helper()
	if m, err := w.Next(); err != io.EOF || !w.done {
		w.t.Fatalf("got %.200v, %v instead of the last chunk", m, err)
	}
}

// closed proves that the server has closed the socket without another byte.
func (w *http1) closed() {
	w.t.Helper()
	if b, err := w.in.ReadByte(); err == nil || errors.Is(err, net.ErrClosed) || isTimeout(err) {
		w.t.Fatalf("read %q, %v instead of the end", b, err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// reset makes the kernel send RST instead of FIN.
func (w *http1) reset() {
	_ = w.conn.SetLinger(0)
	w.conn.Close()
}

// answer reads an ordinary response with a Content-Length.
func (w *http1) answer() (status string, h http.Header, body string) {
	w.t.Helper()
	status, h = w.head()
	n, err := strconv.Atoi(h.Get("Content-Length"))
	if err != nil {
		w.t.Fatalf("%s %v: %v", status, h, err)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(w.in, p); err != nil {
		w.t.Fatal(err)
	}
	return status, h, string(p)
}

// nextOf returns the next event of a decoder.
func nextOf(t testing.TB, d *wire.Decoder) wire.Message {
	t.Helper()
	m, err := d.Next()
	if err != nil {
		t.Fatalf("reading the stream: %v", err)
	}
	return m
}
