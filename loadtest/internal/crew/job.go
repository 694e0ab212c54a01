package crew

import (
	"cmp"
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/streams"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// Address is a hub.
type Address struct{ URL, TokenFile, TLSCA, TLSName string }

// Size is a length of events and how often it is among them.
type Size struct {
	Bytes  int
	Weight float64
}

// Job is what one worker has of a load test.
type Job struct {
	Run    uint32
	Hubs   []Address
	Paths  target.Paths
	Apart  bool // hubs know nothing of one another
	Spread bool

	Topics     []string
	TopicsEach int // that a stream follows
	Lanes      int // of each topic: connections of all workers

	FirstStream, Streams int
	Slow, Never          int // of all streams, the first ones
	SlowBytes            int
	Late                 time.Duration

	FirstLane, Connections int
	Type                   string
	Sizes                  []Size
	TraceRatio             float64
	Patience               time.Duration // for how long what has no answer is sent again
}

// spec says what a stream is.
func (j *Job) spec(number int) streams.Spec {
	s := streams.Spec{Number: number, Hub: number % len(j.Hubs)}
	switch {
	case number < j.Never:
		s.Pace = streams.Never
	case number < j.Never+j.Slow:
		s.Pace = streams.Slow
	}
	each := min(j.TopicsEach, len(j.Topics))
	if !j.Apart {
		for i := range each {
			s.Topics = append(s.Topics, (number*each+i)%len(j.Topics))
		}
		return s
	}
	// Those of its hub: topic t is at hub t modulo their number.
	n := len(j.Topics) / len(j.Hubs)
	for i := range min(each, n) {
		s.Topics = append(s.Topics, s.Hub+(number/len(j.Hubs)*each+i)%n*len(j.Hubs))
	}
	return s
}

// hub is an address as connections need it.
type hub struct {
	streams.Hub
	token string
}

func (a *Address) resolve() (*hub, error) {
	t := &target.Hub{URL: a.URL, TokenFile: a.TokenFile, TLSCA: a.TLSCA, TLSName: a.TLSName}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	h := &hub{Hub: streams.Hub{Host: u.Host, Address: u.Host}}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if u.Port() == "" {
		h.Address = net.JoinHostPort(u.Hostname(), port)
	}
	if u.Scheme == "https" {
		if h.TLS = t.TLS(); h.TLS == nil {
			h.TLS = &tls.Config{}
		}
		h.TLS.ServerName = cmp.Or(h.TLS.ServerName, u.Hostname())
	}
	r, err := t.Request(context.Background(), "GET", "/", "")
	if err != nil {
		return nil, err
	}
	h.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return h, nil
}

// size returns what draws the length of an event.
func (j *Job) size() func(*rand.Rand) int {
	total := 0.0
	for _, s := range j.Sizes {
		total += s.Weight
	}
	if len(j.Sizes) == 1 {
		return func(*rand.Rand) int { return j.Sizes[0].Bytes }
	}
	return func(r *rand.Rand) int {
		at := r.Float64() * total
		for _, s := range j.Sizes {
			if at -= s.Weight; at < 0 {
				return s.Bytes
			}
		}
		return j.Sizes[len(j.Sizes)-1].Bytes
	}
}

func (j *Job) sets() (*streams.Set, *publishers.Set, error) {
	so := streams.Options{Run: j.Run, Topics: j.Topics, Lanes: j.Lanes, Path: j.Paths.Stream, Late: j.Late,
		SlowBytes: j.SlowBytes, Spread: j.Spread, TraceRatio: j.TraceRatio}
	po := publishers.Options{Run: j.Run, Apart: j.Apart, Topics: j.Topics, Lanes: j.Lanes, First: j.FirstLane,
		Connections: j.Connections, Path: j.Paths.To, Header: j.Paths.Fields(), Wrap: j.Paths.Wrap(),
		Type: j.Type, Size: j.size(), Spread: j.Spread, TraceRatio: j.TraceRatio, Patience: j.Patience}
	for i := range j.Hubs {
		h, err := j.Hubs[i].resolve()
		if err != nil {
			return nil, nil, err
		}
		so.Hubs = append(so.Hubs, h.Hub)
		po.Hubs = append(po.Hubs, publishers.Hub(h.Hub))
		so.Token, po.Token = h.token, h.token
	}
	set, err := streams.NewSet(so)
	return set, publishers.New(po), err
}
