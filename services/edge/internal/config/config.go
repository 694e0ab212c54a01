// Package config makes nginx's configuration: a template, filled in with what
// the edge was told and what was found out about the machine.
package config

import (
	"bytes"
	_ "embed"
	"fmt"
	"net"
	"strings"
	"text/template"
	"time"

	"github.com/sluice-stream/sluice/services/edge/internal/accesslog"
	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

//go:embed nginx.conf.tmpl
var text string

var conf = template.Must(template.New("nginx.conf").Parse(text))

// Facts are what is found out rather than told.
type Facts struct {
	Version  int    // of nginx, as 1028000 for 1.28.0
	Cores    int    // that the edge may use
	Files    int    // that a process may have open
	Ports    int    // of this machine's, for connections to the hub
	Resolver string // host:port of the name server; empty: none is known
}

const (
	resolves = 1027003 // since then open-source nginx looks names of upstreams up again
	http2On  = 1025001 // since then HTTP/2 has a directive of its own
	inherits = 1027004 // since then a reload takes certificates over whose files look the same
)

// Resolves reports whether nginx follows the hub's name by itself.
func (f Facts) Resolves(hub string) bool {
	host, _, _ := net.SplitHostPort(hub) // it was checked
	return f.Version >= resolves && f.Resolver != "" && net.ParseIP(host) == nil
}

// Limits are how much there is room for.
type Limits struct {
	Workers     int
	Connections int // of a worker, clients' and hubs' together
	Streams     int
	By          string // what streams are limited by
}

// spare is what streams leave to publishes, of each sixteen connections one.
const spare = 16

// LimitsOf returns the limits: a stream takes two connections, each a file, and
// one of the machine's ports.
func LimitsOf(s settings.Settings, f Facts) Limits {
	l := Limits{Workers: s.Workers, Connections: s.WorkerConnections, By: "worker-connections"}
	if l.Workers == 0 {
		l.Workers = f.Cores
	}
	if own := 64; f.Files > 0 && l.Connections > f.Files-own {
		l.Connections, l.By = max(f.Files-own, 64), "open files"
	}
	l.Streams = l.Workers * l.Connections / 2 * (spare - 1) / spare
	if ports := f.Ports * (spare - 1) / spare; f.Ports > 0 && l.Streams > ports {
		l.Streams, l.By = max(ports, 1), "local ports"
	}
	if s.MaxStreams > 0 && l.Streams > s.MaxStreams {
		l.Streams, l.By = s.MaxStreams, "max-streams"
	}
	return l
}

// Sizes of heads, that follow from what the hub lets a head hold: see the test.
const (
	requestHead = "48k"
	streamHead  = "16k"
)

// values are what the template wants.
type values struct {
	settings.Settings
	Limits                  Limits
	Head, End               string // formats of lines
	Sampled, Else           string // the part of traces that is sampled, the flag of the rest
	Resolver                string
	RequestHead, StreamHead string
	Silence, Linger         string
	ListenTLS               string
	HTTP2On, ReadAnew       bool
	Generation              int
}

// Render returns the configuration. With another generation than before, a reload
// begins to count anew what is limited.
func Render(s settings.Settings, f Facts, generation int) ([]byte, error) {
	v := values{
		Settings: s, Limits: LimitsOf(s, f),
		Head: accesslog.Format(accesslog.Head), End: accesslog.Format(accesslog.End),
		RequestHead: requestHead, StreamHead: streamHead,
		Silence: milliseconds(s.Silence), Linger: milliseconds(s.Linger),
		Generation: generation,
	}
	v.Sampled, v.Else = share(s.TraceRatio)
	if f.Resolves(s.Hub) {
		v.Resolver = f.Resolver
	}
	if s.TLSCert != "" {
		v.ListenTLS, v.HTTP2On, v.ReadAnew = " ssl", f.Version >= http2On, f.Version >= inherits
		if !v.HTTP2On {
			v.ListenTLS += " http2"
		}
	}
	var b bytes.Buffer
	if err := conf.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("filling in nginx.conf: %w", err)
	}
	return b.Bytes(), nil
}

// share returns a ratio as split_clients wants it, and the flag of all else:
// there is no part of 0 % and of 100 %.
func share(ratio float64) (part, rest string) {
	switch percent := fmt.Sprintf("%.2f", 100*ratio); percent {
	case "0.00":
		return "", "00"
	case "100.00":
		return "", "01"
	default:
		return percent + "%", "00"
	}
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// Hubs returns the servers of the upstream, for an nginx that does not look
// names up: none that answers where none is known.
func Hubs(addresses []string) []byte {
	if len(addresses) == 0 {
		return []byte("server 127.0.0.1:1 down;\n")
	}
	var b strings.Builder
	for _, a := range addresses {
		fmt.Fprintf(&b, "server %s max_fails=0;\n", a)
	}
	return []byte(b.String())
}
