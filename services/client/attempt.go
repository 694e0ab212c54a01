package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// result is what came of an attempt: a stream that has ended, or none.
type result struct {
	err     error
	opened  bool          // there was a stream
	again   bool          // to be tried at once
	fatal   bool          // not to be tried again
	floor   time.Duration // what the server asked for
	exactly bool          // and not more: it has spread its clients already
}

// attempt makes a request and reads the stream, where there is one, to its end.
func (s *subscription) attempt() result {
	s.connection = ""
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	dog := &watchdog{bark: cancel}
	dog.allow(s.AnswerTimeout, ErrNoAnswer)
	defer dog.stop()

	answer, err := s.ask(ctx)
	if err != nil {
		return s.unanswered(ctx, err)
	}
	var beside sync.WaitGroup
	defer func() {
		cancel(nil)
		answer.Body.Close()
		beside.Wait()
	}()
	if why := refusal(answer); why != nil {
		return s.refused(why)
	}
	c := &connection{ctx: ctx, s: s, dog: dog, body: answer.Body, queue: newQueue(s.BufferBytes), pings: make(chan wire.Ping, 1)}
	fromHub := answer.Header.Get("Last-Event-ID") != "" // stream.open will say more
	dog.allow(s.patience(fromHub), ErrSilent)
	beside.Go(c.read)
	return s.follow(c, &beside, fromHub)
}

// unanswered is the result where there was no answer.
func (s *subscription) unanswered(ctx context.Context, err error) result {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var why *RejectedError
	return result{err: err, fatal: errors.As(err, &why)}
}

// patience is how long the first byte of a stream may take.
func (s *subscription) patience(fromHub bool) time.Duration {
	if fromHub {
		return silence(defaultHeartbeat)
	}
	return s.MaxSilence
}

// ask sends the request.
func (s *subscription) ask(ctx context.Context) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.streamURL(), nil)
	if err != nil {
		return nil, fmt.Errorf("client: %w", withoutURL(err))
	}
	for name, values := range s.Header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Cache-Control", "no-cache") // no-store lets a cache answer with what it has
	if s.position.text != "" {
		r.Header.Set("Last-Event-ID", s.position.text)
	}
	before := s.token
	if s.token, err = authorize(r, s.Token); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if s.unauthorized != nil && s.token == before {
		return nil, s.unauthorized // there is no fresh one
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("client: connect: %w", withoutURL(err))
	}
	return answer, nil
}

// refusal returns why an answer is no stream; nil where it is one.
func refusal(answer *http.Response) *RejectedError {
	if answer.StatusCode == http.StatusOK {
		// What follows the type says nothing that a stream could mean by it, and
		// servers get it wrong.
		kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
		if strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
			return nil
		}
		return &RejectedError{Status: http.StatusOK, Permanent: true,
			Detail: "the answer is not an event stream: is this the address of a hub?"}
	}
	why := rejection(answer)
	why.Permanent = !retryable(why.Status)
	return why
}

// retryable tells answers that may be others next time.
func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// refused decides about a refusal.
func (s *subscription) refused(why *RejectedError) result {
	s.report(State{Phase: Rejected, Err: why})
	if why.Status == http.StatusUnauthorized && s.Token != nil && s.unauthorized == nil {
		s.unauthorized = why
		return result{err: why, again: true}
	}
	return result{err: why, fatal: why.Permanent, floor: why.RetryAfter}
}
