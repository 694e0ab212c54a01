// Package token is the command "hub token": it prints a token for a hub whose secret it
// can read.
package token

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/auth"
)

const help = `hub token [settings] prints a token for a hub that has the same --jwt-secret-file:

  TOKEN=$(hub token --jwt-secret-file secret --publish orders --subscribe 'orders.*' --for 1h)
  curl -H "Authorization: Bearer $TOKEN" …

  --jwt-secret-file  the hub's, or SLUICE_JWT_SECRET_FILE (none)
  --subject          whom it is for: idempotency keys and named clients are a subject's own (operator)
  --publish          topics it may publish to, like orders, orders.* or *, with commas between; '' is none (*)
  --subscribe        topics it may subscribe to, likewise (*)
  --for              for how long it holds, like 15m, 24h (24h)

Who has it can do that until then: it cannot be taken back other than with a new secret.
`

// Run prints one token.
func Run(args []string, getenv func(string) string, out io.Writer) error {
	set := flag.NewFlagSet("hub token", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	secret := set.String("jwt-secret-file", getenv("SLUICE_JWT_SECRET_FILE"), "")
	subject := set.String("subject", "operator", "")
	publish := set.String("publish", "*", "")
	subscribe := set.String("subscribe", "*", "")
	period := set.Duration("for", 24*time.Hour, "")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, help)
		return err
	} else if err != nil {
		return fmt.Errorf("%w (hub token --help lists the settings)", err)
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is too much: hub token knows settings only (hub token --help lists them)", set.Arg(0))
	}
	if *secret == "" {
		return errors.New("no secret to sign with: name the hub's in --jwt-secret-file or SLUICE_JWT_SECRET_FILE; " +
			"hub init makes one. A hub without a secret is open, or takes tokens of an issuer of its own")
	}
	token, err := auth.Mint(*secret, auth.Grant{Subject: *subject, Publish: patterns(*publish), Subscribe: patterns(*subscribe), For: *period})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, token)
	return err
}

func patterns(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
