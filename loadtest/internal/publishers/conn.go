package publishers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// conn is a connection that is kept, and made anew when it broke.
type conn struct {
	hub   Hub
	local *net.TCPAddr // nil: any
	nc    net.Conn     // nil: none
	read  *bufio.Reader
}

// Hub is where publishes go.
type Hub struct {
	Address string      // host:port
	Host    string      // as requests name it
	TLS     *tls.Config // nil: none
}

// patience is how long an answer is waited for.
const patience = 30 * time.Second

// largest is how much of an answer is read.
const largest = 1 << 20

// answer is what came back.
type answer struct {
	status int
	body   []byte
}

// ask sends a request and reads its answer. buf is memory for the answer's
// body.
func (c *conn) ask(ctx context.Context, request, buf []byte) (answer, error) {
	if c.nc == nil {
		if err := c.dial(ctx); err != nil {
			return answer{}, err
		}
	}
	a, keep, err := c.exchange(request, buf)
	if err != nil || !keep {
		c.close()
	}
	return a, err
}

func (c *conn) exchange(request, buf []byte) (a answer, keep bool, err error) {
	_ = c.nc.SetDeadline(time.Now().Add(patience)) // fails where the socket does
	if _, err := c.nc.Write(request); err != nil {
		return a, false, err
	}
	r, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return a, false, err
	}
	defer r.Body.Close()
	a.status = r.StatusCode
	if a.body, err = readAll(r.Body, buf); err != nil {
		return a, false, err
	}
	return a, !r.Close, nil
}

// readAll is io.ReadAll into memory that is there.
func readAll(from io.Reader, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for len(buf) < largest {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := from.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
	return buf, errors.New("the answer is too long")
}

func (c *conn) dial(ctx context.Context) error {
	d := &net.Dialer{Timeout: patience}
	if c.local != nil {
		d.LocalAddr = c.local
	}
	nc, err := d.DialContext(ctx, "tcp", c.hub.Address)
	if err == nil && c.hub.TLS != nil {
		secure := tls.Client(nc, c.hub.TLS)
		if err = secure.HandshakeContext(ctx); err != nil {
			nc.Close()
		}
		nc = secure
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.nc, c.read = nc, bufio.NewReaderSize(nc, 4<<10)
	return nil
}

func (c *conn) close() {
	if c.nc != nil {
		c.nc.Close()
		c.nc = nil
	}
}

// appendRequest appends a POST.
func appendRequest(dst []byte, path, fixed string, key []byte, trace string, body []byte) []byte {
	dst = append(dst, "POST "...)
	dst = append(dst, path...)
	dst = append(dst, fixed...)
	if len(key) > 0 {
		dst = append(dst, "\r\nIdempotency-Key: "...)
		dst = append(dst, key...)
	}
	if trace != "" {
		dst = append(dst, "\r\nTraceparent: "...)
		dst = append(dst, trace...)
	}
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
