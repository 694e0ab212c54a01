package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const help = `hub admin METHOD PATH [settings] asks the admin listener of a hub on this machine, with the
operators' token, and prints the answer:

  hub admin GET /v1/connections
  hub admin GET '/v1/topics?prefix=orders'
  hub admin DELETE /v1/connections/n1-…
  hub admin POST /v1/drain

The exit status is 0 after an answer of 200 to 299, else 1.

  --admin-listen      address for operators of a hub on this machine, or SLUICE_ADMIN_LISTEN (%s)
  --admin-token-file  file with their token, or SLUICE_ADMIN_TOKEN_FILE (none)
  --tls-cert          the hub's certificate, where it serves with TLS, or SLUICE_TLS_CERT (none)
  --url               address of another hub's admin listener, in place of the first and the third (none)
`

// patience is how long an answer may take: a profile takes its half minute.
const patience = 2 * time.Minute

// maxToken is how long a token file may be, in bytes; a hub takes no longer ones.
const maxToken = 4 << 10

// admin are the settings of one question.
type admin struct {
	Target
	tokenFile    string
	method, path string
}

// Run asks once. The admin address where nothing else is said is the given
// one.
func Run(ctx context.Context, args []string, getenv func(string) string, usual string, out io.Writer) error {
	var a admin
	if err := a.parse(args, getenv, usual, out); err != nil {
		return err
	}
	r, transport, err := a.request(ctx)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the hub does not answer: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(out, answer.Body); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the hub answered %s: name the file with the operators' token in --admin-token-file", answer.Status)
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return fmt.Errorf("the hub answered %s", answer.Status)
	}
	return nil
}

// parse takes method and path, before, between or behind the flags.
func (a *admin) parse(args []string, getenv func(string) string, usual string, out io.Writer) error {
	set := flag.NewFlagSet("hub admin", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	a.Flags(set, getenv, usual)
	set.StringVar(&a.tokenFile, "admin-token-file", getenv("SLUICE_ADMIN_TOKEN_FILE"), "")
	var words []string
	for {
		if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(out, help, usual)
			return err
		} else if err != nil {
			return fmt.Errorf("%w (hub admin --help lists the settings)", err)
		}
		if set.NArg() == 0 {
			break
		}
		words, args = append(words, set.Arg(0)), set.Args()[1:]
	}
	if len(words) != 2 || !strings.HasPrefix(words[1], "/") {
		return errors.New("say what to ask: hub admin GET /v1/connections (hub admin --help has more)")
	}
	a.method, a.path = strings.ToUpper(words[0]), words[1]
	return nil
}

// request returns the question, and how to get there.
func (a *admin) request(ctx context.Context) (*http.Request, *http.Transport, error) {
	base, own, err := a.Base()
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{} // without the proxy of the environment: the hub is here
	if own && a.Cert != "" {
		if transport.TLSClientConfig, err = only(a.Cert); err != nil {
			return nil, nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, a.method, strings.TrimRight(base.String(), "/")+a.path, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s cannot be asked: %w", a.method, a.path, err)
	}
	if a.tokenFile != "" {
		token, err := readToken(a.tokenFile)
		if err != nil {
			return nil, nil, fmt.Errorf("--admin-token-file: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, transport, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || len(text) > maxToken || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", fmt.Errorf("%s holds no token: that is one word of at most %d bytes", path, maxToken)
	}
	return token, nil
}

// only returns a configuration that trusts the certificate in a file, whatever
// name it is for: the machine's own address is not what clients know the hub by.
func only(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("--tls-cert: %s is not a PEM file", path)
	}
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		if !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
			return fmt.Errorf("it has another certificate than %s; the token was not sent", path)
		}
		return nil
	}}, nil
}
