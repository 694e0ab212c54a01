// Package settings holds what the edge is told, by flags and environment.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/settings"
)

// Program is the edge, as far as its settings go.
var Program = settings.Program{Name: "edge", Prefix: "SLUICE_EDGE_", About: about}

const about = `edge is the front door of a hub: it starts nginx with a configuration that fits the
hub and the machine, keeps the way to the hub open, and makes metrics, logs and spans of
what nginx says.

  edge [settings]               serve
  edge healthcheck [settings]   ask the edge on this machine whether it is there
`

// Settings are what the edge is told.
type Settings struct {
	Listen      string // address for clients
	AdminListen string // address of the metrics
	Hub         string // host:port of the hub's public listener

	TLSCert, TLSKey string // PEM files; both or none
	TrustedProxies  List   // addresses and ranges whose X-Forwarded-For is believed
	Resolver        string // host:port of who knows names; empty: as /etc/resolv.conf says

	Nginx             string        // the program
	Folder            string        // for what it writes
	Workers           int           // processes; 0: one for each core
	WorkerConnections int           // of a process
	MaxStreams        int           // open at a time; 0: as many as there is room for
	LargeBodies       int           // of an address under way at a time
	Silence           time.Duration // on a stream before it is taken for dead
	Linger            time.Duration // of the processes of before a reload

	TraceExporter string
	TraceRatio    float64
	LokiURL       string
	Environment   string
	Releases      List // that exist
}

// List is a setting of several values, with commas between or given again.
type List []string

// String implements flag.Value.
func (l *List) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *List) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			*l = append(*l, one)
		}
	}
	return nil
}

// Flags binds the settings to flags, with their defaults.
func (s *Settings) Flags(set *flag.FlagSet) {
	set.StringVar(&s.Listen, "listen", "127.0.0.1:8480", "address for clients")
	set.StringVar(&s.AdminListen, "admin-listen", "127.0.0.1:9101", "address of /metrics and /healthz")
	set.StringVar(&s.Hub, "hub", "127.0.0.1:8080", "address of the hub's public listener; a name is looked up again all the time")
	set.StringVar(&s.TLSCert, "tls-cert", "", "PEM file with the certificate chain: the address for clients speaks TLS; new files are taken within a minute")
	set.StringVar(&s.TLSKey, "tls-key", "", "PEM file with its private key")
	set.Var(&s.TrustedProxies, "trusted-proxies", "address or range of a proxy in front, whose X-Forwarded-For is believed; repeatable")
	set.StringVar(&s.Resolver, "resolver", "", "address of the name server, else that of /etc/resolv.conf")
	set.StringVar(&s.Nginx, "nginx", "nginx", "the nginx program, 1.22 or later")
	set.StringVar(&s.Folder, "folder", "/tmp/sluice-edge", "folder for nginx's configuration, sockets and bodies")
	set.IntVar(&s.Workers, "workers", 0, "processes of nginx; 0 is one for each core")
	set.IntVar(&s.WorkerConnections, "worker-connections", 32768, "connections of each; a stream takes two; the limit of open files lowers it")
	set.IntVar(&s.MaxStreams, "max-streams", 0, "open streams; 0 is as many as files, connections and ports have room for")
	set.IntVar(&s.LargeBodies, "large-bodies", 8, "batches over 300 kB of one address under way at a time")
	set.DurationVar(&s.Silence, "silence", 5*time.Minute, "silence of the hub that ends a stream: several of its heartbeats")
	set.DurationVar(&s.Linger, "linger", 20*time.Second, "how long streams of before a reload may stay")
	set.StringVar(&s.TraceExporter, "trace-exporter", "", "otlp, jaeger-thrift, stdout or none; OTEL_* variables say where to")
	set.Float64Var(&s.TraceRatio, "trace-ratio", 0.01, "part of the traces that begin here which is sampled, 0 to 1")
	set.StringVar(&s.LokiURL, "loki-url", "", "address of a Loki that gets the log, as standard output does")
	set.StringVar(&s.Environment, "environment", "dev", "name of the deployment in logs and traces")
	set.Var(&s.Releases, "releases", "all releases that hubs may run, for metrics, else only "+observability.UsualRelease+"; repeatable")
}

// Parse reads settings and checks them.
func Parse(args []string, getenv func(string) string, out io.Writer) (Settings, error) {
	var s Settings
	set := flag.NewFlagSet("edge", flag.ContinueOnError)
	s.Flags(set)
	if err := Program.Parse(set, args, getenv, out); err != nil {
		return s, err
	}
	if len(s.Releases) == 0 {
		s.Releases = List{observability.UsualRelease}
	}
	return s, s.Validate()
}

// name is that of a host, as nginx takes it.
var name = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// plain is a path that nginx takes as it is.
var plain = regexp.MustCompile(`^/[A-Za-z0-9/._@+=-]+$`)

// Validate returns all that is wrong. What goes into nginx's configuration can
// not be more than it looks like.
func (s *Settings) Validate() error {
	var errs []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, err := netip.ParseAddrPort(s.Listen)
	wrong(err != nil, "--listen %q is not an address: write it like 0.0.0.0:8080", s.Listen)
	_, _, err = net.SplitHostPort(s.AdminListen)
	wrong(err != nil, "--admin-listen %q is not an address: write it like 127.0.0.1:9101", s.AdminListen)
	wrong(!address(s.Hub), "--hub %q is not an address: write it like hub:8080", s.Hub)
	if s.Resolver != "" {
		_, err = netip.ParseAddrPort(s.Resolver)
		wrong(err != nil, "--resolver %q is not an address: write it like 127.0.0.11:53", s.Resolver)
	}
	wrong((s.TLSCert == "") != (s.TLSKey == ""), "--tls-cert and --tls-key belong together: give both, or none")
	for _, file := range []string{s.TLSCert, s.TLSKey, s.Folder} {
		wrong(file != "" && !plain.MatchString(file), "%q: nginx needs a path from the root, of letters, digits and . _ - @ + =", file)
	}
	for _, from := range s.TrustedProxies {
		_, err := netip.ParsePrefix(from)
		_, err2 := netip.ParseAddr(from)
		wrong(err != nil && err2 != nil, "--trusted-proxies %q is neither an address nor a range", from)
	}
	wrong(s.Workers < 0 || s.Workers > 256, "--workers %d: from 0 to 256", s.Workers)
	wrong(s.WorkerConnections < 64 || s.WorkerConnections > 1<<20, "--worker-connections %d: from 64 to 1048576", s.WorkerConnections)
	wrong(s.MaxStreams < 0, "--max-streams %d: from 0", s.MaxStreams)
	wrong(s.LargeBodies < 1 || s.LargeBodies > 65535, "--large-bodies %d: from 1 to 65535", s.LargeBodies)
	wrong(s.Silence < time.Second || s.Silence > 24*time.Hour, "--silence %v: from 1s to 24h", s.Silence)
	wrong(s.Linger < time.Second || s.Linger > 24*time.Hour, "--linger %v: from 1s to 24h", s.Linger)
	wrong(!(s.TraceRatio >= 0 && s.TraceRatio <= 1), "--trace-ratio %v: from 0 to 1", s.TraceRatio)
	return errors.Join(errs...)
}

// address reports whether something is host:port.
func address(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil || n == 0 {
		return false
	}
	_, err = netip.ParseAddr(host)
	return err == nil || name.MatchString(host)
}
