package app

import (
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
			{"admin-listen", "address for operators: /healthz /readyz /metrics /debug/pprof/", (*text)(&s.AdminListen)},
			{"insecure-open-access", "allow addresses beyond this machine although nothing guards them yet", (*onOff)(&s.InsecureOpenAccess)},
		}},
		{"What is kept, and where", []option{
			{"store", "bolt (durable, in --data) or memory (gone at a restart)", (*text)(&s.Store)},
			{"data", "folder of the bolt store", (*text)(&s.Data)},
			{"retention-age", "how long events are kept", (*duration)(&s.RetentionAge)},
			{"retention-events", "events kept of each topic", (*count)(&s.RetentionEvents)},
			{"retention-bytes", "bytes kept of each topic", (*size)(&s.RetentionBytes)},
			{"retention-total-bytes", "bytes kept of all topics together", (*size)(&s.RetentionTotalBytes)},
			{"max-topics", "topics that may exist at a time", (*count)(&s.MaxTopics)},
			{"memory-budget", "memory for recent events of all topics", (*size)(&s.MemoryBudget)},
		}},
		{"Streams and events", []option{
			{"max-connections", "open streams; the limit of open files lowers it", (*count)(&s.MaxConnections)},
			{"heartbeat-interval", "silence on a stream before a comment is sent", (*duration)(&s.HeartbeatInterval)},
			{"write-timeout", "a client that accepts nothing for this long is let go", (*duration)(&s.WriteTimeout)},
			{"max-write-bytes", "largest write to a socket; one event may exceed it", (*size)(&s.MaxWriteBytes)},
			{"flush-interval", "shortest time between two sweeps over a topic; 0 sends at once", (*duration)(&s.FlushInterval)},
			{"max-event-bytes", "largest data of an event", (*size)(&s.MaxEventBytes)},
		}},
		{"This process", []option{
			{"drain-timeout", "time for an orderly end after SIGTERM", (*duration)(&s.DrainTimeout)},
			{"release", "what this process runs, as told to subscribers and metrics", (*text)(&s.Release)},
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
			if v := getenv(EnvName(o.name)); v != "" {
				if err := o.value.Set(v); err != nil {
					return s, fmt.Errorf("%s: %q: %w", EnvName(o.name), v, err)
				}
			}
		}
	}
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		printHelp(out, Defaults())
		return s, err
	case err != nil:
		return s, fmt.Errorf("%s (hub --help lists the settings)", strings.ReplaceAll(err.Error(), " -", " --"))
	case set.NArg() > 0:
		return s, fmt.Errorf("%q: not a command of the hub: it serves without one, and knows publish (hub --help says more)", set.Arg(0))
	}
	return s, s.Validate()
}

func printHelp(out io.Writer, defaults Settings) {
	var b strings.Builder
	b.WriteString(`hub is a Server-Sent Events service: publish with a POST, watch with EventSource.

  hub [settings]                 serve
  hub publish TOPIC [settings]   publish each line of standard input (hub publish --help)

Each setting is a flag or an environment variable: --admin-listen is
SLUICE_ADMIN_LISTEN. The flag wins. Sizes are bytes or like 64KiB, 256MiB, 1GiB;
times like 500ms, 15s, 24h, 7d. 0 turns a limit off.
`)
	for _, g := range defaults.options() {
		fmt.Fprintf(&b, "\n%s\n", g.title)
		for _, o := range g.options {
			fmt.Fprintf(&b, "  --%-22s %s (%s)\n", o.name, o.about, o.value)
		}
	}
	// Help that cannot be printed has nobody to read it.
	_, _ = io.WriteString(out, b.String())
}
