// Package healthcheck is the command "hub healthcheck": it asks a hub on this machine
// whether it is ready, for containers without a shell and for scripts.
package healthcheck

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/commands/admin"
)

const help = `hub healthcheck [settings] asks a hub whether it is ready. The exit status is 0
when it is, else 1 with the reason on standard error. It takes %v at most.

  --admin-listen  address for operators of a hub on this machine, or SLUICE_ADMIN_LISTEN (%s)
  --tls-cert      not empty: the hub serves with TLS; or SLUICE_TLS_CERT (none)
  --url           address of another hub's admin listener, in place of both (none)
`

// patience is how long the hub may take.
const patience = 3 * time.Second

// Run asks once. A nil error means ready. The admin address where nothing
// else is said is the given one.
func Run(ctx context.Context, args []string, getenv func(string) string, usual string, out io.Writer) error {
	var o admin.Target
	set := flag.NewFlagSet("hub healthcheck", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	o.Flags(set, getenv, usual)
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(out, help, patience, usual)
		return err
	} else if err != nil {
		return fmt.Errorf("%w (hub healthcheck --help lists the settings)", err)
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is too much: hub healthcheck knows settings only (hub healthcheck --help lists them)", set.Arg(0))
	}
	base, own, err := o.Base()
	if err != nil {
		return err
	}
	transport := &http.Transport{} // without the proxy of the environment: the hub is here
	if own {
		// The certificate is for the name that clients know the hub by, which
		// is not how it is reached from its own machine. Nothing secret is
		// sent, and who can listen on this machine's own address in place of
		// the hub has taken the machine already.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return ask(ctx, &http.Client{Transport: transport}, base.JoinPath("readyz").String())
}

func ask(ctx context.Context, client *http.Client, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the hub is not ready: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var said struct{ Detail string }
	_ = json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&said) // other programs may answer anything
	return fmt.Errorf("the hub is not ready: %s answered %s %s", target, answer.Status, said.Detail)
}
