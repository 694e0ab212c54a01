package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/grafana/loki-client-go/loki"
	"github.com/grafana/loki-client-go/pkg/backoff"
	"github.com/grafana/loki-client-go/pkg/urlutil"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// pusher sends batches of lines to Loki. It is owned by the one goroutine of
// the outbox.
//
// The client of loki-client-go says nothing about what became of a line, keeps
// trying for minutes and cannot be cancelled. So each batch has a client of
// its own that tries once: it gathers the lines, Stop makes it push them and
// waits for the answer, and what went wrong is what it told its logger.
type pusher struct {
	config  loki.Config
	labels  map[string]model.LabelSet // by the level's name in a line
	notes   *slog.Logger              // to standard output alone
	failing bool                      // Loki did not take the batch before
}

func newPusher(o Options, timeout time.Duration) (*pusher, error) {
	if o.Environment == "" {
		return nil, errors.New("logs for Loki need the name of the environment")
	}
	address, user, err := pushAddress(o.LokiURL)
	if err != nil {
		return nil, err
	}
	p := &pusher{labels: map[string]model.LabelSet{}}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		p.labels[level.String()] = model.LabelSet{
			"service_name": model.LabelValue(o.Service),
			"env":          model.LabelValue(o.Environment),
			"level":        model.LabelValue(strings.ToLower(level.String())),
		}
	}
	p.config = loki.Config{
		URL:           urlutil.URLValue{URL: address},
		BatchSize:     math.MaxInt,   // only Stop pushes
		BatchWait:     math.MaxInt64, // likewise
		Timeout:       timeout,
		BackoffConfig: backoff.BackoffConfig{MaxRetries: 1},
		Client:        config.HTTPClientConfig{BasicAuth: user, ProxyConfig: config.ProxyConfig{ProxyFromEnvironment: true}},
	}
	return p, nil
}

// pushAddress returns the address to push to, and the user that was in it.
func pushAddress(from string) (*url.URL, *config.BasicAuth, error) {
	address, err := url.Parse(from)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, nil, errors.New("the address of Loki is not one of the form http://host:port")
	}
	if !strings.HasSuffix(address.Path, "/push") {
		address = address.JoinPath("loki/api/v1/push")
	}
	if address.User == nil {
		return address, nil, nil
	}
	password, _ := address.User.Password()
	user := &config.BasicAuth{Username: address.User.Username(), Password: config.Secret(password)}
	address.User = nil
	return address, user, nil
}

// send is the Send of the outbox.
func (p *pusher) send(ctx context.Context, batch []string) error {
	err := p.push(ctx, batch)
	switch failed := err != nil; {
	case ctx.Err() != nil || failed == p.failing:
	case failed:
		p.failing = true
		p.notes.Warn("Loki does not take the log; it will be tried again", "event_type", "telemetry", "error", err)
	default:
		p.failing = false
		p.notes.Info("Loki takes the log again", "event_type", "telemetry")
	}
	return err
}

func (p *pusher) push(ctx context.Context, batch []string) error {
	var v verdict
	client, err := p.client(&v)
	if err != nil {
		return fmt.Errorf("making a client for Loki: %w", err)
	}
	done := make(chan struct{})
	go func() { // ends within the time-out of a push
		defer close(done)
		for _, line := range batch {
			labels := p.labels[lineLevel(line)]
			_ = client.HandleWithMetadata(labels, lineTime(line), line, lineIDs(line)) // it has no errors
		}
		client.Stop()
	}()
	select {
	case <-done:
		return v.err()
	case <-ctx.Done():
		return fmt.Errorf("pushing to Loki: %w", ctx.Err())
	}
}

// client returns a client for one batch. Its connection has to end with it,
// or would be kept for minutes: it accepts the header that says so only once
// it was made.
func (p *pusher) client(v *verdict) (*loki.Client, error) {
	c := p.config
	headers := &config.Headers{Headers: map[string]config.Header{"Accept": {}}}
	c.Client.HTTPHeaders = headers
	client, err := loki.NewWithLogger(c, v)
	headers.Headers = map[string]config.Header{"Connection": {Values: []string{"close"}}}
	return client, err
}
