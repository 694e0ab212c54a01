// Package setup is the command "hub init": it makes the secrets of a stack
// that are missing, and a certificate for trying.
package setup

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/auth"
)

const help = `hub init --dir DIR [settings] makes the secrets of a stack in a folder, those that are
missing. What is there stays as it is, so it may be run at every start. A secret is
changed by deleting its file and running it again; with jwt-secret both tokens go.

  jwt-secret              what tokens are signed with, for --jwt-secret-file
  admin-token             for --admin-token-file
  prober-token            a token for loadtest probe: any topic, for ten years
  demo-token              the same for loadtest demo
  grafana-admin-password  of Grafana's user admin

  --dir     the folder; it is made where it is missing (none)
  --tokens  another folder for the two tokens, so that who needs one of them sees no
            more than that ('' is that of --dir)
  --share   files that whoever can reach the folder may read, because their readers are
            other users than the hub's; the others are for the owner and the group
            alone; with commas between, '' for none (grafana-admin-password)
  --tls     a folder for a certificate that signs itself, for trying; it is made where it
            is missing (none)
  --tls-name
            what that is for beside localhost, 127.0.0.1, ::1 and edge: the name of a
            host or an address; repeatable, or with commas between (none)

In the folder of --tls there are self-signed.crt and, for the owner and the group alone,
self-signed.key: for --tls-cert and --tls-key. They stay as they are, too, but for a
certificate that hub init itself made: it is for 824 days, and in the last 30 of them or
later it is made anew, of the same key. With --tls and no --dir there is nothing else.
The folder of --tokens gets a copy of the certificate, for who is to trust it.
`

// tokenFor is how long the tokens of a stack's own programs hold.
const tokenFor = 10 * 365 * 24 * time.Hour

// Names of the files.
const (
	jwtSecret       = "jwt-secret"
	adminToken      = "admin-token"
	proberToken     = "prober-token"
	demoToken       = "demo-token"
	grafanaPassword = "grafana-admin-password"
)

var names = []string{jwtSecret, adminToken, proberToken, demoToken, grafanaPassword} // tokens need the secret before

// Run makes what is missing and says what it made, but not the secrets.
func Run(args []string, out io.Writer) error {
	set := flag.NewFlagSet("hub init", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	dir := set.String("dir", "", "")
	tokens := set.String("tokens", "", "")
	share := set.String("share", grafanaPassword, "")
	tlsDir := set.String("tls", "", "")
	var tlsNames []string
	set.Func("tls-name", "", moreNames(&tlsNames))
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, help)
		return err
	} else if err != nil {
		return fmt.Errorf("%w (hub init --help lists the settings)", err)
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is too much: hub init knows settings only (hub init --help lists them)", set.Arg(0))
	}
	if *dir == "" && *tlsDir == "" {
		return errors.New("--dir is missing: name the folder for the secrets")
	}
	if *tlsDir == "" && len(tlsNames) > 0 {
		return errors.New("--tls is missing: name the folder for the certificate that --tls-name is about")
	}
	shared, err := sharedFiles(*share)
	if err != nil {
		return err
	}
	var b strings.Builder
	if *dir != "" {
		if err := (places{*dir, cmp.Or(*tokens, *dir)}).fill(shared, &b); err != nil {
			return err
		}
	}
	if *tlsDir != "" {
		c := newCertificate(*tlsDir, tlsNames)
		if err := c.ensure(&b); err != nil {
			return err
		}
		if *tokens != "" {
			if err := c.copyTo(folder{*tokens, "the tokens", "--tokens"}); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

func sharedFiles(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	shared := strings.Split(text, ",")
	for _, name := range shared {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--share %q is not a file that hub init makes: there are %s", name, strings.Join(names, ", "))
		}
	}
	return shared, nil
}

// places are the folders of secrets and of tokens, which may be the same.
type places struct{ secrets, tokens string }

func (p places) of(name string) folder {
	if name == proberToken || name == demoToken {
		return folder{p.tokens, "the tokens", "--tokens"}
	}
	return folder{p.secrets, "the secrets", "--dir"}
}

func (p places) path(name string) string { return filepath.Join(p.of(name).dir, name) }

// prepare makes the folders. Others may pass through one to what is shared.
func (p places) prepare(shared []string) error {
	for _, f := range []folder{p.of(jwtSecret), p.of(proberToken)} {
		pass := slices.ContainsFunc(shared, func(name string) bool { return p.of(name).dir == f.dir })
		if err := f.prepare(pass); err != nil {
			return err
		}
	}
	return nil
}

// fill makes what is missing, and tells of it.
func (p places) fill(shared []string, b *strings.Builder) error {
	if err := p.prepare(shared); err != nil {
		return err
	}
	var made, kept []string
	for _, name := range names {
		mode := os.FileMode(0o440)
		if slices.Contains(shared, name) {
			mode = 0o444
		}
		isNew, err := p.of(name).ensure(name, mode, func() (string, error) { return p.content(name) })
		if err != nil {
			return err
		}
		if isNew {
			made = append(made, name)
		} else {
			kept = append(kept, name)
		}
	}
	if err := p.checkTokens(); err != nil {
		return err
	}
	list(b, p.folders(), made, kept)
	path := p.path(grafanaPassword)
	fmt.Fprintf(b, "The password of Grafana's user admin is in %s. With compose:\n  docker compose exec -T grafana cat %s\n", path, filepath.ToSlash(path))
	return nil
}

// content returns what a new file holds.
func (p places) content(name string) (string, error) {
	switch name {
	case grafanaPassword:
		return rand.Text(), nil
	case proberToken, demoToken:
		subject := strings.TrimSuffix(name, "-token")
		all := []string{"*"}
		return auth.Mint(p.path(jwtSecret), auth.Grant{Subject: subject, Publish: all, Subscribe: all, For: tokenFor})
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: it ends the program where there is no randomness
	return hex.EncodeToString(secret), nil
}

// checkTokens finds tokens that the hub would refuse.
func (p places) checkTokens() error {
	v, err := auth.FromSecret(p.path(jwtSecret))
	if err != nil {
		return err
	}
	for _, name := range []string{proberToken, demoToken} {
		path := p.path(name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := v.Verify(context.Background(), strings.TrimSpace(string(text))); err != nil {
			return fmt.Errorf("%s does not go with %s: %w: delete %[1]s and run hub init again", path, jwtSecret, err)
		}
	}
	return nil
}

// folders names one or both.
func (p places) folders() string {
	if p.tokens == p.secrets {
		return p.secrets
	}
	return p.secrets + " and " + p.tokens
}

// list says what was made and what was there.
func list(b *strings.Builder, where string, made, kept []string) {
	for _, part := range []struct {
		what  string
		files []string
	}{{"made", made}, {"kept", kept}} {
		if len(part.files) > 0 {
			fmt.Fprintf(b, "hub init: in %s %s %s\n", where, part.what, strings.Join(part.files, ", "))
		}
	}
}
