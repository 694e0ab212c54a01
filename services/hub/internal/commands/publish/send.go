package publish

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// refusedError is why the hub will never take a line.
type refusedError string

func (e refusedError) Error() string { return string(e) }

// awayError is why a line could not be published now.
type awayError struct {
	why   string
	after time.Duration // what the hub asked for; 0 where it didn't
}

func (e *awayError) Error() string { return e.why }

// Bounds of the waits between attempts.
const (
	firstWait = 100 * time.Millisecond
	maxWait   = 5 * time.Second
	// attemptTime is more than a hub takes for a body and its store together.
	attemptTime = 30 * time.Second
)

// sender publishes one line at a time.
type sender struct {
	client *http.Client
	target string
	typ    string
	token  string // file with it; empty: none
	run    string // what no other run has: the beginning of its idempotency keys
	report io.Writer

	published int
	retries   int
	lastID    string
}

func newSender(o options, report io.Writer) *sender {
	return &sender{
		client: &http.Client{
			Timeout:       attemptTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		target: o.url + "/v1/topics/" + url.PathEscape(o.topic) + "/events",
		typ:    o.typ,
		token:  o.token,
		run:    crand.Text(),
		report: report,
	}
}

// send publishes a line once, however long the hub is away and however often
// it is tried, unless ctx ends.
func (s *sender) send(ctx context.Context, number int, text []byte) error {
	wait := firstWait
	var began time.Time // of the trouble
	for {
		err := s.attempt(ctx, number, text)
		var away *awayError
		switch {
		case err == nil:
			if !began.IsZero() {
				fmt.Fprintf(s.report, "hub publish: going on after %v\n", time.Since(began).Round(time.Millisecond))
			}
			s.published++
			return nil
		case ctx.Err() != nil:
			return errors.New("interrupted; it may have been published or not")
		case !errors.As(err, &away):
			return err
		}
		s.retries++
		pause := wait/2 + rand.N(wait)
		if away.after > 0 {
			pause = away.after
		}
		wait = min(2*wait, maxWait)
		if began.IsZero() {
			began = time.Now()
			fmt.Fprintf(s.report, "hub publish: %v; trying again, next in %v\n", err, pause.Round(time.Millisecond))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.New("interrupted; it was not acknowledged")
		}
	}
}

// attempt tries to publish a line.
func (s *sender) attempt(ctx context.Context, number int, text []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	r.Header.Set("Idempotency-Key", s.run+"/"+strconv.Itoa(number))
	if s.typ != "" {
		r.Header.Set("X-Event-Type", s.typ)
	}
	if err := s.authorise(r); err != nil {
		return err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return &awayError{why: err.Error()}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return &awayError{why: err.Error()}
	}
	return s.judge(answer, body)
}

// maxToken is how long a token may be, in bytes.
const maxToken = 8 << 10

// authorise adds the token that is in the file now.
func (s *sender) authorise(r *http.Request) error {
	if s.token == "" {
		return nil
	}
	f, err := os.Open(s.token)
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	token := strings.TrimSpace(string(text))
	if err == nil && (token == "" || len(text) > maxToken || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' })) {
		err = fmt.Errorf("%s holds no token: that is one word of at most %d bytes", s.token, maxToken)
	}
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// judge says what an answer means for the line.
func (s *sender) judge(answer *http.Response, body []byte) error {
	var said struct {
		ID, Title, Detail string
		Duplicate         bool
	}
	_ = json.Unmarshal(body, &said) // other programs in between may answer anything
	switch code := answer.StatusCode; {
	case said.ID != "" && (code == http.StatusCreated || code == http.StatusOK && said.Duplicate):
		s.lastID = said.ID
		return nil
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge:
		return refusedError(reason(answer.Status, said.Title, said.Detail))
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return &awayError{reason(answer.Status, said.Title, said.Detail), retryAfter(answer.Header)}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fmt.Errorf("%s (--token-file names the file with the token)", reason(answer.Status, said.Title, said.Detail))
	default:
		return fmt.Errorf("%s: is there a hub at this address? (%s)", reason(answer.Status, said.Title, said.Detail), s.target)
	}
}

func reason(status, title, detail string) string {
	switch {
	case detail != "":
		return status + ": " + detail
	case title != "":
		return status + ": " + title
	}
	return status
}

// retryAfter reads Retry-After in its two forms.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
