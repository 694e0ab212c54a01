package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is an event to be published.
type Message struct {
	// Type and Key are the event's; both may be empty.
	Type, Key string
	// IdempotencyKey is under what the event is published once, however often
	// it is sent: 1 to 255 printable ASCII characters. A random one of 128 bits
	// where empty.
	IdempotencyKey string
	// Data is the event's text, UTF-8.
	Data string
}

// Receipt is the hub's word that an event is in its log.
type Receipt struct {
	Topic, ID string
	// Duplicate: it was in the log already, by an earlier attempt.
	Duplicate bool
	// IdempotencyKey is what it was sent under, also where there is an error:
	// sent again under it, it is still published once.
	IdempotencyKey string
}

// PublisherOptions say where and how to publish. URL must be set.
type PublisherOptions struct {
	// URL is the hub's address, as in [Options].
	URL string
	// Token returns the bearer token, as in [Options]. It may be called
	// concurrently.
	Token func(context.Context) (string, error)
	// HTTP makes the requests. Nil: a client of its own, which goes by the
	// proxies of the environment.
	HTTP *http.Client
	// MaxAttempts is how often an event is sent at most. 0: until the context
	// ends.
	MaxAttempts int
	// Traceparent returns the trace to join (W3C Trace Context), empty for none.
	Traceparent func(context.Context) string
	// OnRetry is told of every attempt that failed and will be repeated. It may
	// be called concurrently.
	OnRetry func(Retry)
}

// Retry is an attempt that failed and will be repeated.
type Retry struct {
	Topic    string
	Events   int // that are to be sent again
	Failures int // attempts so far
	Wait     time.Duration
	Err      error
}

// Publisher publishes events. It is safe for concurrent use.
type Publisher struct {
	o    PublisherOptions
	http http.Client
	own  *http.Transport // nil: the client is the caller's
}

// Bounds of publishing.
const (
	firstPublishWait   = 100 * time.Millisecond
	longestPublishWait = 5 * time.Second
	// publishTimeout is more than a hub takes for a body and its store together.
	publishTimeout = 30 * time.Second
	publishIdle    = 16 // connections kept for publishers at the same time
)

// NewPublisher returns a publisher, to be closed after use.
func NewPublisher(o PublisherOptions) (*Publisher, error) {
	if _, err := address(o.URL, "/"); err != nil {
		return nil, err
	}
	if o.OnRetry == nil {
		o.OnRetry = func(Retry) {}
	}
	p := &Publisher{o: o}
	if o.HTTP != nil {
		p.http = *o.HTTP
	} else {
		p.own = newTransport(publishIdle)
		p.http.Transport = p.own
	}
	p.http.Timeout = 0 // each attempt has its own
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p, nil
}

// Close closes the connections that nothing goes over.
func (p *Publisher) Close() {
	if p.own != nil {
		p.own.CloseIdleConnections()
	}
}

// Publish publishes one event and returns when it is in the log, at the
// durability that the hub promises. It is tried again, under the same
// idempotency key, when the hub does not answer, or answers 408 (a slow
// network), 425, 429, 502, 503 or 504. Any other refusal is a [RejectedError]
// with Permanent set. After any other error it is not known whether the event
// was published.
func (p *Publisher) Publish(ctx context.Context, topic string, m Message) (Receipt, error) {
	if m.IdempotencyKey == "" {
		m.IdempotencyKey = rand.Text()
	}
	receipt := Receipt{Topic: topic, IdempotencyKey: m.IdempotencyKey}
	if err := check(topic, m); err != nil {
		return receipt, err
	}
	err := p.repeat(ctx, topic, func(ctx context.Context) (int, error) {
		r, err := p.request(ctx, topic, "text/plain; charset=utf-8", strings.NewReader(m.Data))
		if err != nil {
			return 0, err
		}
		r.Header.Set("Idempotency-Key", m.IdempotencyKey)
		if m.Type != "" {
			r.Header.Set("X-Event-Type", m.Type)
		}
		if m.Key != "" {
			r.Header.Set("X-Event-Key", m.Key)
		}
		receipt.ID, receipt.Duplicate, err = p.one(r)
		return 1, err
	})
	if err != nil {
		return receipt, fmt.Errorf("client: publish to %s: %w", topic, err)
	}
	return receipt, nil
}

// check finds what would reach the hub as something else, or not at all.
func check(topic string, m Message) error {
	switch {
	case topic == "" || len(topic) > maxTopicNameBytes || topic[0] == '.' || strings.ContainsAny(topic, "/\\"):
		return permanent(fmt.Sprintf("%.150q is not the name of a topic", topic))
	case !utf8.ValidString(m.Data):
		return permanent("the data must be UTF-8 text")
	case strings.ContainsFunc(m.Type+m.Key+m.IdempotencyKey, func(r rune) bool { return r < ' ' || r == utf8.RuneError }):
		return permanent("type, key and idempotency key must be printable")
	}
	return nil
}

// permanent is a refusal of our own, in the words that the hub would use.
func permanent(detail string) error {
	return &RejectedError{Status: http.StatusBadRequest, Detail: detail, Permanent: true}
}

// errBroken: the answer is not what a hub says. Whether the event was
// published is not known.
var errBroken = errors.New("the answer is not a hub's: is there one at this address?")
