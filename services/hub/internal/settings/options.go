package settings

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// option is one setting as users see it.
type option struct {
	name  string
	about string
	value flag.Value
}

// group is a heading of the help with its options.
type group struct {
	title   string
	options []option
}

// options binds every setting to s, in the order of the help.
func (s *Settings) options() []group {
	return []group{
		{"Where the hub listens", []option{
			{"listen", "address for clients", (*text)(&s.Listen)},
			{"admin-listen", "address for operators; it says at / what is there", (*text)(&s.AdminListen)},
			{"tls-cert", "PEM file with the certificate chain for both addresses", (*text)(&s.TLSCert)},
			{"tls-key", "PEM file with its private key; new files are taken within a minute", (*text)(&s.TLSKey)},
		}},
		{"Who may use it", []option{
			{"insecure-open-access", "let --listen go beyond this machine without a key for tokens", (*onOff)(&s.InsecureOpenAccess)},
			{"jwt-secret-file", "file with the secret that tokens are signed with (HS256)", (*text)(&s.JWTSecretFile)},
			{"jwt-public-key-file", "PEM file with the key that checks tokens: RSA, ECDSA, Ed25519", (*text)(&s.JWTPublicKeyFile)},
			{"jwks-url", "address of the key set that checks tokens", (*text)(&s.JWKSURL)},
			{"access-token-query", "take tokens from the query too, as access_token", (*onOff)(&s.AccessTokenQuery)},
			{"trusted-proxies", "address or range whose X-Forwarded-For is believed; repeatable", (*proxyList)(&s.TrustedProxies)},
			{"admin-token-file", "file with the operators' token; needed beyond this machine", (*text)(&s.AdminTokenFile)},
			{"cors-origin", "origin like https://app.example whose pages may use the hub; repeatable", (*list)(&s.CORSOrigins)},
			{"allowed-host", "name by which the hub is reached, or * for any; repeatable", (*list)(&s.AllowedHosts)},
		}},
		{"What is kept, and where", []option{
			{"store", "disk (durable, in --data) or memory (gone at a restart)", (*text)(&s.Store)},
			{"data", "folder of the disk store", (*text)(&s.Data)},
			{"retention-age", "how long events are kept", (*duration)(&s.RetentionAge)},
			{"retention-events", "events kept of each topic", (*count)(&s.RetentionEvents)},
			{"retention-bytes", "bytes kept of each topic", (*size)(&s.RetentionBytes)},
			{"retention-total-bytes", "bytes kept of all topics together", (*size)(&s.RetentionTotalBytes)},
			{"max-topics", "topics that may exist at a time", (*count)(&s.MaxTopics)},
			{"idempotency-keys", "idempotency keys remembered at a time", (*count)(&s.IdempotencyKeys)},
			{"memory-budget", "memory for recent events of all topics, and for the disk store", (*size)(&s.MemoryBudget)},
		}},
		{"Streams and events", []option{
			{"max-connections", "open streams; the limit of open files lowers it", (*count)(&s.MaxConnections)},
			{"max-connections-per-address", "streams of one address; those of this machine only if given", (*count)(&s.MaxConnectionsPerAddress)},
			{"max-topics-per-connection", "topics that one stream may follow, 64 at most", (*count)(&s.MaxTopicsPerConnection)},
			{"publish-rate", "events a second from one client address", (*count)(&s.PublishRate)},
			{"breaker-failures", "publishes in a row that the store fails before they are refused", (*count)(&s.BreakerFailures)},
			{"breaker-open", "for how long they are refused then", (*duration)(&s.BreakerOpen)},
			{"heartbeat-interval", "silence on a stream before a comment is sent", (*duration)(&s.HeartbeatInterval)},
			{"ping-interval", "how often a stream with heartbeat=pong is pinged; 0 is never", (*duration)(&s.PingInterval)},
			{"pong-timeout", "time for the answer to a ping; 0 is for ever", (*duration)(&s.PongTimeout)},
			{"max-missed-pings", "pings missed in a row that end a stream; 0 never ends it", (*count)(&s.MaxMissedPings)},
			{"write-timeout", "a client that accepts nothing for this long is let go; 0 lets it stay", (*duration)(&s.WriteTimeout)},
			{"max-write-bytes", "largest write to a socket; one event may exceed it; 0 is 64MiB", (*size)(&s.MaxWriteBytes)},
			{"flush-interval", "shortest time between two sweeps over a topic; 0 sends at once", (*duration)(&s.FlushInterval)},
			{"max-event-bytes", "largest data of an event; 0 is the most there can be, 16MiB", (*size)(&s.MaxEventBytes)},
		}},
		{"Logs and traces", []option{
			{"trace-exporter", "otlp, jaeger-thrift, stdout or none; OTEL_* variables say where to", (*text)(&s.TraceExporter)},
			{"trace-ratio", "part of the traces that begin here which is sampled, 0 to 1", (*ratio)(&s.TraceRatio)},
			{"loki-url", "address of a Loki that gets the log, as standard output does", (*text)(&s.LokiURL)},
			{"environment", "name of the deployment in logs and traces", (*text)(&s.Environment)},
		}},
		{"This process", []option{
			{"shutdown-delay", "how long /readyz and metrics tell of the end before it begins", (*duration)(&s.ShutdownDelay)},
			{"drain-timeout", "time for an orderly end after SIGTERM; 0 cuts everything off at once", (*duration)(&s.DrainTimeout)},
			{"release", "what this process runs, as told to subscribers and metrics", (*text)(&s.Release)},
			{"releases", "all releases that exist, its own among them, else only that; repeatable", (*list)(&s.Releases)},
			{"topic-class", "name=pattern: a class of topics for figures, first match wins; repeatable", (*classList)(&s.TopicClasses)},
			{"node", "name of this hub in connection ids", (*text)(&s.Node)},
		}},
	}
}

// EnvName returns the environment twin of a flag.
func EnvName(flag string) string {
	return "SLUICE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Parse reads settings from arguments, else from the environment, else
// leaves the default. For --help it prints to out and returns flag.ErrHelp.
func Parse(args []string, getenv func(string) string, out io.Writer) (Settings, error) {
	s := Defaults()
	groups := s.options()
	set := flag.NewFlagSet("hub", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, g := range groups {
		for _, o := range g.options {
			set.Var(o.value, o.name, o.about)
		}
	}
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		printHelp(out, Defaults())
		return s, err
	case err != nil:
		return s, fmt.Errorf("%s (hub --help lists the settings)", strings.ReplaceAll(err.Error(), " -", " --"))
	case set.NArg() > 0:
		return s, fmt.Errorf("%q: not a command of the hub: it serves without one, and knows publish, healthcheck, admin, token, init, version and help", set.Arg(0))
	}
	if err := fromEnvironment(set, getenv); err != nil {
		return s, err
	}
	s.LimitLoopback = isGiven(set, getenv, "max-connections-per-address")
	return s, s.Validate()
}

// isGiven reports whether a setting is not left at its default.
func isGiven(set *flag.FlagSet, getenv func(string) string, name string) bool {
	return flags(set)[name] || getenv(EnvName(name)) != ""
}

// flags returns the settings that flags have set.
func flags(set *flag.FlagSet) map[string]bool {
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
}

// fromEnvironment sets what no flag has set.
func fromEnvironment(set *flag.FlagSet, getenv func(string) string) error {
	given := flags(set)
	var errs []error
	set.VisitAll(func(f *flag.Flag) {
		v := getenv(EnvName(f.Name))
		if v == "" || given[f.Name] {
			return
		}
		if err := f.Value.Set(v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q: %w", EnvName(f.Name), v, err))
		}
	})
	return errors.Join(errs...)
}

func printHelp(out io.Writer, defaults Settings) {
	var b strings.Builder
	b.WriteString(`hub is a Server-Sent Events service: publish with a POST, watch with EventSource.

  hub [settings]                 serve
  hub publish TOPIC [settings]   publish each line of standard input (hub publish --help)
  hub healthcheck [settings]     ask a hub whether it is ready (hub healthcheck --help)
  hub admin METHOD PATH          ask a hub's admin listener (hub admin --help)
  hub token [settings]           print a token for a hub (hub token --help)
  hub init --dir DIR             make the secrets of a stack (hub init --help)
  hub version                    say what this is built from

Each setting is a flag or an environment variable: --admin-listen is
SLUICE_ADMIN_LISTEN. The flag wins. Sizes are bytes or like 64KiB, 256MiB, 1GiB;
times like 500ms, 15s, 24h, 7d. 0 turns a limit off. What is repeatable takes
several values at once with commas between.
`)
	for _, g := range defaults.options() {
		fmt.Fprintf(&b, "\n%s\n", g.title)
		for _, o := range g.options {
			fmt.Fprintf(&b, "  --%-22s %s (%s)\n", o.name, o.about, cmp.Or(o.value.String(), "none"))
		}
	}
	// Help that cannot be printed has nobody to read it.
	_, _ = io.WriteString(out, b.String())
}
