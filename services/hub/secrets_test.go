package main

import (
	"bytes"
	"crypto/x509"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// command runs a command of the hub and returns what it prints.
func command(t *testing.T, environment func(string) string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, environment, nil, &out, io.Discard)
	return out.String(), err
}

// environ is an environment of these variables alone.
func environ(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range list {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(text)
	}
	return all
}

// What hub init makes is what a hub, its tokens and its operators work with.
func TestInitMakesAStacksSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "secrets")
	said, err := command(t, noEnv, "init", "--dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	made := files(t, dir)
	if len(made) != 5 || !strings.Contains(said, "made jwt-secret, admin-token, prober-token, demo-token, grafana-admin-password") || !strings.Contains(said, "docker compose exec") {
		t.Errorf("%v: %s", made, said)
	}
	seen := map[string]bool{}
	for name, text := range made {
		if strings.Contains(said, strings.TrimSpace(text)) {
			t.Errorf("it prints %s", name)
		}
		if len(text) < 26 || seen[text] {
			t.Errorf("%s holds %q", name, text)
		}
		seen[text] = true
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	h := startHub(t, "--jwt-secret-file", path("jwt-secret"), "--admin-token-file", path("admin-token"))
	minted, err := command(t, environ("SLUICE_JWT_SECRET_FILE", path("jwt-secret")), "token")
	if err != nil {
		t.Fatal(err)
	}
	for who, token := range map[string]string{"prober": made["prober-token"], "demo": made["demo-token"], "hub token": minted} {
		answer, text := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", "x", header{"Authorization": "Bearer " + strings.TrimSpace(token)})
		if answer.StatusCode != 201 {
			t.Errorf("%s: %s %s", who, answer.Status, text)
		}
	}
	settings := environ("SLUICE_ADMIN_LISTEN", strings.TrimPrefix(h.admin, "http://"), "SLUICE_ADMIN_TOKEN_FILE", path("admin-token"))
	if out, err := command(t, settings, "admin", "get", "/v1/topics?prefix=ord"); err != nil || !strings.Contains(out, `"orders"`) {
		t.Errorf("%v %s", err, out)
	}

	said, err = command(t, noEnv, "init", "--dir", dir)
	if err != nil || !strings.Contains(said, "kept jwt-secret") || strings.Contains(said, "made") {
		t.Errorf("again: %v %s", err, said)
	}
	for name, text := range files(t, dir) {
		if made[name] != text {
			t.Errorf("%s was replaced", name)
		}
	}
}

func TestInitKeepsSecretsApart(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such permissions on this system")
	}
	for share, want := range map[string][2]os.FileMode{
		"grafana-admin-password": {0o751, 0o444},
		"":                       {0o750, 0o440},
	} {
		dir := t.TempDir()
		if _, err := command(t, noEnv, "init", "--dir", dir, "--share", share); err != nil {
			t.Fatal(err)
		}
		for path, mode := range map[string]os.FileMode{"": want[0], "grafana-admin-password": want[1], "jwt-secret": 0o440, "admin-token": 0o440, "prober-token": 0o440} {
			info, err := os.Stat(filepath.Join(dir, path))
			if err != nil || info.Mode().Perm() != mode {
				t.Errorf("--share %q: %q has %v, want %v (%v)", share, path, info.Mode().Perm(), mode, err)
			}
		}
	}
}

// Tokens may be where their users see nothing else.
func TestInitMakesTokensElsewhere(t *testing.T) {
	dir, tokens := filepath.Join(t.TempDir(), "secrets"), filepath.Join(t.TempDir(), "tokens")
	for _, what := range []string{"made", "kept"} {
		said, err := command(t, noEnv, "init", "--dir", dir, "--tokens", tokens)
		if err != nil || !strings.Contains(said, "in "+dir+" and "+tokens+" "+what+" jwt-secret") {
			t.Errorf("%v: %s", err, said)
		}
		all := slices.Sorted(maps.Keys(files(t, dir)))
		if !slices.Equal(all, []string{"admin-token", "grafana-admin-password", "jwt-secret"}) {
			t.Errorf("secrets: %v", all)
		}
		if all = slices.Sorted(maps.Keys(files(t, tokens))); !slices.Equal(all, []string{"demo-token", "prober-token"}) {
			t.Errorf("tokens: %v", all)
		}
	}
}

// The certificate that hub init makes is one that a hub takes, and that who was
// told of it trusts, under each of its names.
func TestInitMakesACertificate(t *testing.T) {
	dir := t.TempDir()
	said, err := command(t, noEnv, "init", "--dir", dir, "--tls", filepath.Join(dir, "tls"), "--tls-name", "hub.example")
	if err != nil || strings.Count(said, "hub init: in ") != 2 {
		t.Fatalf("%v: %s", err, said)
	}
	made := files(t, filepath.Join(dir, "tls"))
	cert, key := filepath.Join(dir, "tls", "self-signed.crt"), filepath.Join(dir, "tls", "self-signed.key")
	h := startHub(t, "--tls-cert", cert, "--tls-key", key)
	id := identity{cert: cert, key: key, pool: x509.NewCertPool()}
	if !id.pool.AppendCertsFromPEM([]byte(made["self-signed.crt"])) {
		t.Fatalf("it is %q", made["self-signed.crt"])
	}
	for _, name := range []string{"localhost", "127.0.0.1", "hub.example"} {
		client := id.client(t, true)
		client.Transport.(*http.Transport).TLSClientConfig.ServerName = name
		if answer, text := ask(t, client, "POST", h.public+"/v1/topics/orders/events", "x", nil); answer.StatusCode != 201 {
			t.Errorf("%s: %s %s", name, answer.Status, text)
		}
	}
	// Run again, it replaces nothing that a hub may be reading.
	if said, err = command(t, noEnv, "init", "--dir", dir, "--tls", filepath.Join(dir, "tls")); err != nil || strings.Contains(said, "made") {
		t.Errorf("again: %v %s", err, said)
	}
	if !maps.Equal(made, files(t, filepath.Join(dir, "tls"))) {
		t.Error("it was replaced")
	}
}

// Several that begin at the same time make one set.
func TestInitAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := command(t, noEnv, "init", "--dir", dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made := files(t, dir); len(made) != 5 {
		t.Errorf("%d files are there: %v", len(made), made)
	}
}

func TestInitSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	empty := t.TempDir()
	changed := t.TempDir()
	for path, text := range map[string]string{file: "x", filepath.Join(empty, "admin-token"): "", filepath.Join(changed, "jwt-secret"): strings.Repeat("x", 32)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := command(t, noEnv, "init", "--dir", changed); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(changed, "jwt-secret"), []byte(strings.Repeat("y", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--dir is missing":                 {"init"},
		"give it to the user":              {"init", "--dir", filepath.Join(file, "below")},
		"delete it, and it is made anew":   {"init", "--dir", empty},
		"and run hub init again":           {"init", "--dir", changed},
		"is not a file that hub init":      {"init", "--dir", t.TempDir(), "--share", "secret"},
		"hub init knows settings only":     {"init", "now"},
		"hub init --help":                  {"init", "--nonsense"},
		"hub init makes one":               {"token"},
		"openssl rand -hex 32":             {"token", "--jwt-secret-file", filepath.Join(empty, "none")},
		"is not a pattern":                 {"token", "--jwt-secret-file", filepath.Join(changed, "jwt-secret"), "--publish", "a b"},
		"is of no use":                     {"token", "--jwt-secret-file", filepath.Join(changed, "jwt-secret"), "--for", "0s"},
		"hub token --help":                 {"token", "--nonsense"},
		"hub token knows settings only":    {"token", "now"},
		"say what to ask":                  {"admin", "GET"},
		"hub admin --help has more":        {"admin", "GET", "v1/topics"},
		"does not answer":                  {"admin", "GET", "/", "--admin-listen", programtest.FreeAddress(t)},
		"is not an address":                {"admin", "GET", "/", "--admin-listen", "8081"},
		"--admin-token-file":               {"admin", "GET", "/", "--admin-token-file", filepath.Join(empty, "none")},
		"holds no token":                   {"admin", "GET", "/", "--admin-token-file", filepath.Join(empty, "admin-token")},
		"hub admin --help lists":           {"admin", "--nonsense"},
		"is not the address of a hub":      {"admin", "GET", "/", "--url", "hub:8081"},
		"cannot be asked: net/http: inval": {"admin", "G T", "/"},
	} {
		if out, err := command(t, noEnv, args...); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%v: %v (want %s), and it prints %q", args, err, want, out)
		}
	}
}

// A token says what was asked for, and no more.
func TestToken(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 40)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := startHub(t, "--jwt-secret-file", secret)
	token, err := command(t, noEnv, "token", "--jwt-secret-file", secret, "--subject", "till", "--publish", "orders.*,payments", "--subscribe", "", "--for", "15m")
	if err != nil || strings.Count(token, "\n") != 1 || strings.ContainsAny(strings.TrimSpace(token), " \n") {
		t.Fatalf("%v %q", err, token)
	}
	for target, want := range map[string]int{"POST /v1/topics/orders.eu/events": 201, "POST /v1/topics/payments/events": 201,
		"POST /v1/topics/chat/events": 403, "GET /v1/events?topic=orders.eu": 403} {
		method, path, _ := strings.Cut(target, " ")
		body := ""
		if method == "POST" {
			body = "x"
		}
		answer, text := ask(t, http.DefaultClient, method, h.public+path, body, header{"Authorization": "Bearer " + strings.TrimSpace(token)})
		if answer.StatusCode != want {
			t.Errorf("%s: %s %s", target, answer.Status, text)
		}
	}
}

// hub admin reports by its exit, and gives the token to nobody but the hub.
func TestAdminCommand(t *testing.T) {
	h := startHub(t, "--admin-token-file", tokenFile(t))
	listen := strings.TrimPrefix(h.admin, "http://")
	if _, err := command(t, noEnv, "admin", "--admin-listen", listen, "GET", "--admin-token-file", tokenFile(t), "/v1/connections"); err != nil {
		t.Error(err)
	}
	out, err := command(t, noEnv, "admin", "GET", "/v1/connections", "--url", h.admin+"/")
	if err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "--admin-token-file") || !strings.Contains(out, "unauthorized") {
		t.Errorf("without a token: %v %s", err, out)
	}
	out, err = command(t, noEnv, "admin", "DELETE", "/v1/connections/n1-0", "--admin-listen", listen, "--admin-token-file", tokenFile(t))
	if err == nil || !strings.Contains(err.Error(), "404") || out == "" {
		t.Errorf("no such connection: %v %s", err, out)
	}

	id, other := newIdentity(t, time.Now().Add(time.Hour)), newIdentity(t, time.Now().Add(time.Hour))
	secure := startHub(t, append(id.settings(), "--admin-token-file", tokenFile(t))...)
	settings := func(cert string) func(string) string {
		return environ("SLUICE_ADMIN_LISTEN", strings.TrimPrefix(secure.admin, "https://"), "SLUICE_TLS_CERT", cert, "SLUICE_ADMIN_TOKEN_FILE", tokenFile(t))
	}
	if _, err := command(t, settings(id.cert), "admin", "GET", "/v1/topics"); err != nil {
		t.Error(err)
	}
	if _, err := command(t, settings(other.cert), "admin", "GET", "/v1/topics"); err == nil || !strings.Contains(err.Error(), "another certificate") {
		t.Errorf("a hub with another certificate: %v", err)
	}
}
