package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// repeat makes attempts until one succeeds or fails for good. An attempt
// returns how many events it is about.
func (p *Publisher) repeat(ctx context.Context, topic string, attempt func(context.Context) (int, error)) error {
	b := backoff{base: firstPublishWait, longest: longestPublishWait}
	refreshed := false
	for {
		events, err := attempt(ctx)
		if err == nil {
			return nil
		}
		var why *RejectedError
		rejected := errors.As(err, &why)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w (%v)", context.Cause(ctx), err)
		case rejected && why.Status == http.StatusUnauthorized && p.o.Token != nil && !refreshed:
			refreshed = true
			continue
		case rejected && why.Permanent, errors.Is(err, errBroken):
			return err
		}
		if b.failed(); p.o.MaxAttempts > 0 && b.failures >= p.o.MaxAttempts {
			return fmt.Errorf("given up after %d attempts: %w", b.failures, err)
		}
		var floor time.Duration
		if rejected {
			floor = why.RetryAfter
		}
		wait := b.wait(floor)
		p.o.OnRetry(Retry{Topic: topic, Events: events, Failures: b.failures, Wait: wait, Err: err})
		if !sleep(ctx, wait) {
			return fmt.Errorf("%w (%v)", context.Cause(ctx), err)
		}
	}
}

// request prepares a publish.
func (p *Publisher) request(ctx context.Context, topic, kind string, body io.Reader) (*http.Request, error) {
	target, err := address(p.o.URL, "/v1/topics/"+topic+"/events")
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, body)
	if err != nil {
		return nil, withoutURL(err)
	}
	r.Header.Set("Content-Type", kind)
	if p.o.Traceparent != nil {
		if trace := p.o.Traceparent(ctx); trace != "" {
			r.Header.Set("Traceparent", trace)
		}
	}
	return r, nil
}

// do makes one attempt, and hands an answer of 200 or 201 to read.
func (p *Publisher) do(r *http.Request, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(r.Context(), publishTimeout, ErrNoAnswer)
	defer cancel()
	r = r.WithContext(ctx)
	if _, err := authorize(r, p.o.Token); err != nil {
		return err
	}
	answer, err := p.http.Do(r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return withoutURL(err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK, http.StatusCreated:
		return read(answer.Body)
	}
	why := rejection(answer)
	why.Permanent = !worthRepeating(why.Status)
	return why
}

// worthRepeating tells the answers to a publish that may be others next time.
// 500 is not among them: it may be the event's own fault.
func worthRepeating(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// one publishes a single event.
func (p *Publisher) one(r *http.Request) (id string, duplicate bool, err error) {
	err = p.do(r, func(body io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
		if err != nil {
			return err
		}
		var said struct {
			ID        string `json:"id"`
			Duplicate bool   `json:"duplicate"`
		}
		if json.Unmarshal(text, &said) != nil || said.ID == "" {
			return errBroken
		}
		id, duplicate = said.ID, said.Duplicate
		return nil
	})
	return id, duplicate, err
}
