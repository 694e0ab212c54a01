package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options say what to subscribe to and how. URL must be set, and mostly Topics;
// the rest is well as it is.
type Options struct {
	// URL is the server's address, such as "https://hub.example", with the path
	// and the query that all requests have in front, if any. It is used as it is
	// written: nothing in it is put into another order or encoding.
	URL string
	// Path of the stream, behind that of URL, and as it is written, too;
	// "/v1/events" where empty. Without Topics and Path, URL is the whole
	// address of a stream.
	Path string
	// Topics are what to subscribe to, at most 64. Without any, nothing is added
	// to the address for them.
	Topics []string
	// LastEventID is where to start: behind this id. "0" is before everything,
	// and empty or "$" at what comes from now on.
	LastEventID string
	// Positions keeps the position across restarts. Where it holds one,
	// LastEventID counts for nothing. It holds none where a server that is no hub
	// has reset its ids.
	Positions Positions
	// SaveEvery is how long a position may wait to be saved; a second where 0.
	// It is saved at the end in any case.
	SaveEvery time.Duration
	// ClientID names this client to the hub, which then remembers for an hour
	// what it has acknowledged.
	ClientID string
	// Token returns the bearer token of a request. It is called for each and
	// should keep what it has while that is good; after a 401 it is called
	// again, and a different token is tried at once. Nil: none.
	Token func(context.Context) (string, error)
	// Header is sent along with each subscription, such as X-Release-Version.
	Header http.Header
	// HTTP makes the requests, but for its Timeout, which streams don't end by.
	// Nil: a client of its own, which goes by the proxies of the environment.
	HTTP *http.Client
	// Pong asks the hub for pings and answers them, so that it learns within
	// half a minute when this client is gone, and what it has taken.
	Pong bool
	// Spare is how many connections to a hub are kept open ahead of need, for a
	// reconnect to find the handshakes done: 2 where 0, none where negative.
	Spare int
	// MaxSilence is after how long without a byte a stream is given up, where
	// the server announces no heartbeat interval. 0: never.
	MaxSilence time.Duration
	// AnswerTimeout is how long an answer may take to begin: 30 s where 0, any
	// time where negative. Some servers begin it with their first event.
	AnswerTimeout time.Duration
	// MaxEventBytes bounds an event. A larger one ends the subscription. The
	// largest that a hub can be set to, where 0.
	MaxEventBytes int
	// BufferBytes bounds what is read ahead of the loop; 4 MiB where 0.
	BufferBytes int
	// OnState is told of every change, by the goroutine of the loop and between
	// two events. Nil: nobody is.
	OnState func(State)
}

const (
	defaultPath       = "/v1/events"
	defaultSaveEvery  = time.Second
	defaultSpare      = 2
	defaultAnswer     = 30 * time.Second // more than a hub takes to decide about a handshake
	defaultBuffer     = 4 << 20
	largestEvent      = 16<<20 + 64<<10 // of a hub, and its id
	maxTopics         = 64
	maxTopicNameBytes = 128
)

// withDefaults fills in what was left out, and says what cannot be.
func (o Options) withDefaults() (Options, error) {
	if o.Path == "" && len(o.Topics) > 0 {
		o.Path = defaultPath
	}
	if o.SaveEvery <= 0 {
		o.SaveEvery = defaultSaveEvery
	}
	if o.Spare == 0 {
		o.Spare = defaultSpare
	}
	if o.AnswerTimeout == 0 {
		o.AnswerTimeout = defaultAnswer
	}
	if o.MaxEventBytes <= 0 {
		o.MaxEventBytes = largestEvent
	}
	if o.BufferBytes <= 0 {
		o.BufferBytes = defaultBuffer
	}
	if o.OnState == nil {
		o.OnState = func(State) {}
	}
	o.Topics = slices.Clone(o.Topics)
	if strings.ContainsAny(o.LastEventID, "\r\n\x00") {
		return o, errors.New("client: LastEventID is no id: it has a line end")
	}
	if n := len(o.Topics); n > maxTopics {
		return o, fmt.Errorf("client: %d topics: name %d at most", n, maxTopics)
	}
	for _, topic := range o.Topics {
		if topic == "" || len(topic) > maxTopicNameBytes || strings.ContainsAny(topic, ",@") {
			return o, fmt.Errorf("client: %.150q is not the name of a topic", topic)
		}
	}
	target, err := address(o.URL, o.Path)
	if err != nil {
		return o, err
	}
	return o, o.checkAddress(target)
}

// checkAddress finds what an address and the other options do not agree on.
func (o *Options) checkAddress(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return errors.New("client: URL and Path make no address together")
	}
	query := u.Query()
	whole := o.Path == ""
	switch {
	case whole && strings.Trim(u.Path, "/") == "" && u.RawQuery == "":
		return errors.New("client: no topics: name Topics, or give the whole address of a stream")
	case o.ClientID != "" && query.Has("client_id"):
		return errors.New("client: the address has a client_id: leave out ClientID, or that")
	case o.Pong && query.Has("heartbeat"):
		return errors.New("client: the address has a heartbeat: leave out Pong, or that")
	case o.Pong && whole && !strings.HasSuffix(strings.TrimRight(u.Path, "/"), defaultPath):
		return errors.New("client: with Pong the address must be a hub's, ending in " + defaultPath)
	}
	return nil
}

// address joins a base address and a path, both as they are written.
func address(base, path string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("client: the URL is not the address of a server: write it like https://hub.example")
	}
	base, _, _ = strings.Cut(base, "#")
	if path == "" {
		return base, nil
	}
	front, query, _ := strings.Cut(base, "?")
	return withQuery(strings.TrimRight(front, "/")+path, query), nil
}

// withQuery adds to the query of an address.
func withQuery(address, more string) string {
	switch {
	case more == "":
		return address
	case strings.HasSuffix(address, "?"), strings.HasSuffix(address, "&"):
		return address + more
	case strings.Contains(address, "?"):
		return address + "&" + more
	}
	return address + "?" + more
}

// streamURL is the address of the stream.
func (o *Options) streamURL() string {
	target, _ := address(o.URL, o.Path) // was checked
	var more []string
	for _, topic := range o.Topics {
		more = append(more, "topic="+url.QueryEscape(topic))
	}
	if o.ClientID != "" {
		more = append(more, "client_id="+url.QueryEscape(o.ClientID))
	}
	if o.Pong {
		more = append(more, "heartbeat=pong")
	}
	return withQuery(target, strings.Join(more, "&"))
}

// at is the address of another path of the server.
func (o *Options) at(path string) string {
	base := o.URL
	if o.Path == "" { // it is a stream's
		base, _, _ = strings.Cut(base, "#")
		front, query, _ := strings.Cut(base, "?")
		base = withQuery(strings.TrimSuffix(strings.TrimRight(front, "/"), defaultPath), query)
	}
	target, _ := address(base, path)
	return target
}

// authorize adds the token to a request, and returns it.
func authorize(r *http.Request, token func(context.Context) (string, error)) (string, error) {
	if token == nil {
		return "", nil
	}
	text, err := token(r.Context())
	if err != nil {
		return "", fmt.Errorf("no token: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	return text, nil
}
