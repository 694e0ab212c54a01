package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"
)

// contractAnswer is an answer as it came over a connection of its own.
type contractAnswer struct {
	net.Conn
	method string
	status int
	header textproto.MIMEHeader
	body   []byte                 // of what is no stream
	events chan map[string]string // nil: it is no stream
	err    error                  // how the stream ended; readable when events is closed
	work   sync.WaitGroup
}

func (a *contractAnswer) close() {
	a.Close()
	if a.events != nil {
		for range a.events {
		}
	}
	a.work.Wait()
}

// send sends a request, byte for byte, and reads the answer, of a stream only
// the head.
func (r *contractRun) send(s *contractStep) (*contractAnswer, error) {
	request, err := r.vars.expand(s.Request, asIs)
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(request)
	if len(parts) == 2 {
		parts = append(parts, "HTTP/1.1")
	}
	address := r.vars["public"]
	if s.At == "admin" {
		address = r.vars["admin"]
	}
	head, body, err := r.compose(s, address)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	a := &contractAnswer{Conn: c, method: parts[0]}
	a.work.Go(func() {
		// The hub may answer, and close, before it has read all.
		_, _ = io.WriteString(c, strings.Join(parts, " ")+"\r\n"+head+"\r\n"+body)
	})
	if err := a.receive(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// compose returns the headers and the body of a request.
func (r *contractRun) compose(s *contractStep, address string) (head, body string, err error) {
	if body, err = s.Body.in(r.vars); err != nil {
		return "", "", err
	}
	var b strings.Builder
	host, framed := false, s.Body == nil
	for _, text := range s.Headers {
		line, err := text.in(r.vars)
		if err != nil {
			return "", "", err
		}
		b.WriteString(line + "\r\n")
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		host = host || name == "host"
		framed = framed || name == "content-length" || name == "transfer-encoding"
	}
	if !host {
		b.WriteString("Host: " + address + "\r\n")
	}
	if !framed {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	return b.String(), body, nil
}

// receive reads the answer, of a stream the head.
func (a *contractAnswer) receive() error {
	in := textproto.NewReader(bufio.NewReader(a))
	line, err := in.ReadLine()
	if err != nil {
		return err
	}
	version, status, _ := strings.Cut(line, " ")
	if version != "HTTP/1.1" && version != "HTTP/1.0" || len(status) < 3 {
		return fmt.Errorf("the status line is %q", line)
	}
	if a.status, err = strconv.Atoi(status[:3]); err != nil {
		return err
	}
	if a.header, err = in.ReadMIMEHeader(); err != nil {
		return err
	}
	body, err := a.content(in.R)
	if err != nil {
		return err
	}
	if body != nil && strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		a.events = make(chan map[string]string)
		a.work.Go(func() { a.follow(bufio.NewReader(body)) })
		return nil
	}
	if body != nil {
		a.body, err = io.ReadAll(body)
	}
	return err
}

// content returns what the body is read from; nil: there is none.
func (a *contractAnswer) content(in *bufio.Reader) (io.Reader, error) {
	switch length := a.header.Get("Content-Length"); {
	case a.method == "HEAD", a.status == 204, a.status == 304:
		return nil, nil
	case a.header.Get("Transfer-Encoding") == "chunked":
		return httputil.NewChunkedReader(in), nil
	case length != "":
		n, err := strconv.Atoi(length)
		if err != nil {
			return nil, err
		}
		whole := make([]byte, n)
		_, err = io.ReadFull(in, whole)
		return strings.NewReader(string(whole)), err
	}
	return in, nil
}

// linesOf is the name under which an event has those of its lines, in order.
const linesOf = "lines"

// follow reads events, each as its fields, until the stream ends. A comment
// is the field "comment"; several data lines are one field, with line feeds
// between.
func (a *contractAnswer) follow(in *bufio.Reader) {
	defer close(a.events)
	fields := map[string]string{}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			if a.err = err; err == io.EOF && len(fields)+len(line) > 0 {
				a.err = io.ErrUnexpectedEOF
			}
			return
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			a.events <- fields
			fields = map[string]string{}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		if name == "" {
			name = "comment"
		}
		if before, ok := fields[name]; ok {
			value = before + "\n" + value
		}
		fields[name] = value
		fields[linesOf] = strings.TrimPrefix(fields[linesOf]+" "+name, " ")
	}
}
