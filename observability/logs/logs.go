package logs

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// StdoutFull is why a line did not reach standard output; why one did not
// reach Loki is a reason of the outbox package.
const StdoutFull = "stdout_full"

// Options say where lines go. Out and Service must be set.
type Options struct {
	Out   io.Writer    // standard output
	Level slog.Leveler // least level that is logged; nil: info

	// LokiURL is Loki's address, http://127.0.0.1:3100, or the whole address
	// of a push, .../loki/api/v1/push; empty: standard output only. A user
	// and password in it become basic authentication.
	LokiURL string

	Service     string // service_name, in each line and as a label
	Environment string // the label env; must be set with LokiURL

	// Dropped is told of lines that are lost, by StdoutFull or a reason of
	// outbox, Sent of those that Loki has. They may be nil, must not block,
	// and must not log: they are called by a call that logs.
	Dropped func(reason string, lines int)
	Sent    func(lines int)
}

// Logs is where a service logs to. Its methods are safe for concurrent use.
type Logs struct {
	out     *stdout
	loki    *outbox.Outbox[string] // nil: standard output only
	handler slog.Handler
}

// New starts the queues, which Close ends. What is wrong with an address is
// said without the address, which may hold a password.
//
// Left out of every line, in groups too: the values of attributes named
// authorization, cookie, set-cookie, token, access_token, password or secret;
// in texts, errors and URLs the user information of a URL and the value of
// access_token; in an http.Header the values of those names. What is inside
// other values (structs, maps) is encoded as it is: there Secret helps.
func New(o Options) (*Logs, error) {
	return start(o, defaultPace())
}

func start(o Options, p pace) (*Logs, error) {
	if o.Out == nil || o.Service == "" {
		return nil, errors.New("logs need an output and the name of the service")
	}
	if o.Dropped == nil {
		o.Dropped = func(string, int) {}
	}
	var push *pusher
	if o.LokiURL != "" {
		var err error
		if push, err = newPusher(o, p.timeout); err != nil {
			return nil, err
		}
	}
	l := &Logs{out: newStdout(o.Out, stdoutBytes, func(lines int) { o.Dropped(StdoutFull, lines) })}
	if push != nil {
		push.notes = slog.New(newHandler(o, l.out))
		l.loki = outbox.New(p.options(o, push))
	}
	l.handler = newHandler(o, sink{l.out, l.loki})
	return l, nil
}

func newHandler(o Options, to io.Writer) slog.Handler {
	encoding := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: newRedactor().replace}
	return slog.NewJSONHandler(to, encoding).WithAttrs([]slog.Attr{slog.String("service_name", o.Service)})
}

// Handler returns the handler that writes the lines.
func (l *Logs) Handler() slog.Handler { return l.handler }

// Logger returns a logger on Handler.
func (l *Logs) Logger() *slog.Logger { return slog.New(l.handler) }

// Depth returns how many lines wait for Loki.
func (l *Logs) Depth() int {
	if l.loki == nil {
		return 0
	}
	return l.loki.Depth()
}

// Close writes and sends what waits, as far as the time of ctx allows. Then it
// leaves behind a write that hangs, and a push, which ends by its time-out.
func (l *Logs) Close(ctx context.Context) {
	if l.loki != nil {
		l.loki.Close(ctx) // standard output is written to meanwhile
	}
	l.out.close(ctx)
}

// sink takes each line that a handler has encoded.
type sink struct {
	out  *stdout
	loki *outbox.Outbox[string]
}

// Write is called with one whole line, by the handler, one call at a time.
func (s sink) Write(line []byte) (int, error) {
	if s.loki != nil {
		s.loki.Put(string(line[:len(line)-1])) // without its line break
	}
	return s.out.Write(line)
}
