package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func TestHealthcheck(t *testing.T) {
	check := func(environment func(string) string, args ...string) error {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"healthcheck"}, args...), environment, nil, &out, io.Discard)
		if out.Len() > 0 {
			t.Errorf("it says %s", &out)
		}
		return err
	}
	h := startHub(t, "--admin-listen", "0.0.0.0:0", "--admin-token-file", tokenFile(t))
	port := h.admin[strings.LastIndexByte(h.admin, ':'):]
	environment := func(name string) string {
		return map[string]string{"SLUICE_ADMIN_LISTEN": "0.0.0.0" + port}[name]
	}
	id := newIdentity(t, time.Now().Add(-time.Minute)) // its own machine need not mind
	secure := startHub(t, id.settings()...)
	secured := func(name string) string {
		return map[string]string{"SLUICE_ADMIN_LISTEN": strings.TrimPrefix(secure.admin, "https://"), "SLUICE_TLS_CERT": id.cert}[name]
	}
	for _, err := range []error{
		check(environment), check(noEnv, "--admin-listen", port), check(environment, "--url", h.admin), check(environment, "--url", h.admin+"/"),
		check(secured), check(noEnv, "--admin-listen", strings.TrimPrefix(secure.admin, "https://"), "--tls-cert", id.cert),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for want, err := range map[string]error{
		"refused":                      check(noEnv, "--admin-listen", programtest.FreeAddress(t)),
		"certificate":                  check(noEnv, "--url", secure.admin),
		"400 Bad Request":              check(noEnv, "--admin-listen", strings.TrimPrefix(secure.admin, "https://")),
		"404":                          check(noEnv, "--url", h.public),
		"is not the address of a hub":  check(noEnv, "--url", "hub:8081"),
		"is not an address":            check(noEnv, "--admin-listen", "8081"),
		"is too much":                  check(noEnv, "now"),
		"hub healthcheck --help lists": check(noEnv, "--nonsense"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	holdPublish(t, h)
	h.cancel()
	h.awaitLog("drain", "streams")
	if err := check(environment); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("of a hub that shuts down: %v", err)
	}
}

// A hub that hangs is not waited for.
func TestHealthcheckIsBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	err = run(context.Background(), []string{"healthcheck", "--admin-listen", l.Addr().String()}, noEnv, nil, io.Discard, io.Discard)
	if took := time.Since(start); err == nil || took < 2*time.Second || took > 10*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

func TestCommands(t *testing.T) {
	for command, want := range map[string]string{"help": "--admin-listen", "version": ", go1.", "--help": "Where the hub listens",
		"init --help": "--share", "token --help": "--subject", "admin --help": "/v1/connections"} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(command), noEnv, nil, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, %s", command, err, &out)
		}
	}
	if err := run(t.Context(), []string{"heathcheck"}, noEnv, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "not a command of the hub") {
		t.Errorf("an unknown command: %v", err)
	}
}
