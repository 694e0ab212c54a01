// Package publish is the command "hub publish": it publishes the lines of its input, in
// their order, and outlasts restarts of the hub.
//
// One line is under way at a time. A line whose answer was lost, because the
// hub was killed in between, is sent again under the same idempotency key, so
// that it is in the log once; none is left out. The keys are those of one run:
// a feed that is started again on the same input publishes it again.
package publish

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// options are the settings of one feed.
type options struct {
	url   string // of the hub
	topic string
	typ   string // of the events; empty for none
	token string // file with the token; empty for none
}

const defaultURL = "http://127.0.0.1:8080"

const help = `hub publish TOPIC [settings] publishes each line of standard input as one event:

  tail -f app.log | hub publish logs

It keeps the order, and waits and tries again while the hub is away, busy or
restarting. A line that the hub refuses is reported with its number and left
out, and the exit status is then not 0.

  --url         address of the hub, or SLUICE_URL (%s)
  --type        type of the events (none)
  --token-file  file with a token, where the hub wants one, or SLUICE_TOKEN_FILE; it may
                be replaced by another before it expires (none)
`

// Run publishes what in holds until it ends or ctx does.
func Run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, report io.Writer) error {
	o, err := parse(args, getenv, out)
	if err != nil {
		return err
	}
	s := newSender(o, report)
	start := time.Now()
	failed, err := feed(ctx, s, in, report)
	fmt.Fprintf(report, "hub publish: %s published to %s in %v", lines(s.published), o.topic, time.Since(start).Round(time.Millisecond))
	if s.lastID != "" {
		fmt.Fprintf(report, ", the last as %s", s.lastID)
	}
	if failed > 0 {
		fmt.Fprintf(report, "; %s left out", lines(failed))
	}
	if s.retries > 0 {
		fmt.Fprintf(report, "; tried again %d times", s.retries)
	}
	fmt.Fprintln(report)
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s not published", lines(failed))
	}
	return err
}

func lines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// feed sends line by line. It returns how many were left out.
func feed(ctx context.Context, s *sender, in io.Reader, report io.Writer) (failed int, err error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r := newLineReader(in)
	incoming := r.start(reading)
	for number := 1; ; number++ {
		var l line
		select {
		case l = <-incoming:
		case <-ctx.Done():
			return failed, nil // interrupted between two lines
		}
		switch {
		case errors.Is(l.err, io.EOF):
			return failed, nil
		case errors.Is(l.err, errTooLong):
			err = refusedError(fmt.Sprintf("longer than %d bytes", maxLine))
		case l.err != nil:
			return failed, fmt.Errorf("read line %d: %w", number, l.err)
		default:
			err = s.send(ctx, number, l.text)
		}
		r.next()
		var refused refusedError
		switch {
		case err == nil:
		case errors.As(err, &refused):
			failed++
			fmt.Fprintf(report, "hub publish: line %d left out: %v\n", number, err)
		default:
			return failed, fmt.Errorf("line %d: %w", number, err)
		}
	}
}

func parse(args []string, getenv func(string) string, out io.Writer) (options, error) {
	o := options{url: defaultURL, token: getenv("SLUICE_TOKEN_FILE")}
	if u := getenv("SLUICE_URL"); u != "" {
		o.url = u
	}
	set := flag.NewFlagSet("hub publish", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&o.url, "url", o.url, "")
	set.StringVar(&o.typ, "type", "", "")
	set.StringVar(&o.token, "token-file", o.token, "")
	// The topic may stand before the flags or behind them.
	var topics []string
	for {
		if err := set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprintf(out, help, defaultURL)
				return o, err
			}
			return o, fmt.Errorf("%w (hub publish --help lists the settings)", err)
		}
		if set.NArg() == 0 {
			break
		}
		topics, args = append(topics, set.Arg(0)), set.Args()[1:]
	}
	if len(topics) != 1 {
		return o, errors.New("name one topic: hub publish TOPIC < lines")
	}
	o.topic, o.url = topics[0], strings.TrimRight(o.url, "/")
	return o, o.validate()
}

func (o *options) validate() error {
	if !wire.ValidTopic(o.topic) || strings.HasPrefix(o.topic, "hub.") {
		return fmt.Errorf("%q cannot be published to: a topic is 1 to %d of A-Z a-z 0-9 . _ -, not starting with a dot or hub.",
			o.topic, wire.MaxTopicName)
	}
	if o.typ != "" && !wire.ValidType(o.typ) {
		return fmt.Errorf("--type %q is not a type: use 1 to 128 printable characters, not open, error or stream.*", o.typ)
	}
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url %q is not the address of a hub: write it like %s", o.url, defaultURL)
	}
	return nil
}
