package probe

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/settings"
)

const healthHelp = `loadtest healthcheck [settings] asks a probe on this machine whether it is at work, for
containers without a shell. The exit status is 0 when it is, else 1. Whether the hub is
well is another question: see the probe's /metrics.
`

// patience is how long the prober may take.
const patience = 3 * time.Second

// Healthcheck asks once. A nil error means that it is at work.
func Healthcheck(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	set := flag.NewFlagSet("healthcheck", flag.ContinueOnError)
	listen := set.String("listen", defaultListen, "address as the probe has it")
	if err := settings.Parse(set, args, getenv, healthHelp, out); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(*listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not an address: write it like %s or :9102", *listen, defaultListen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true} // without the proxy of the environment: it is here
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("the probe is not at work: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10)) // what there is of it
		return fmt.Errorf("the probe is not at work: %s %s", answer.Status, text)
	}
	return nil
}
