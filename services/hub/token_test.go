package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testToken = "8f2c1d9e4b7a60538f2c1d9e4b7a6053"

// tokenFile returns a file with testToken, as editors leave it.
func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAdminToken(t *testing.T) {
	h := startHub(t, "--admin-token-file", tokenFile(t))
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, _ := get(t, h.admin+path); status != 200 {
			t.Errorf("%s without a token: %d", path, status)
		}
	}
	guarded := []struct{ method, path string }{
		{"GET", "/"}, {"GET", "/v1/topics"}, {"GET", "/nothing"}, {"DELETE", "/v1/connections/x"}, {"GET", "/debug/pprof/"},
		{"GET", "/debug/pprof/cmdline"}, {"GET", "/debug/pprof/heap"}, {"GET", "/metrics/"}, {"GET", "//metrics"}, {"POST", "/v1/drain"},
	}
	for _, way := range guarded {
		for _, authorization := range []string{"", "Bearer", "Bearer wrong", "Bearer " + testToken + "x", testToken,
			"Basic " + testToken, "Bearer " + testToken[:16]} {
			r, err := http.NewRequest(way.method, h.admin+way.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", authorization)
			checkProblem(t, r, 401, "unauthorized")
		}
		answer, text := ask(t, http.DefaultClient, way.method, h.admin+way.path, "", nil)
		if !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(text, testToken) {
			t.Errorf("%s %s: %v %s", way.method, way.path, answer.Header, text)
		}
	}
	for _, scheme := range []string{"Bearer ", "bearer "} {
		if answer, _ := ask(t, http.DefaultClient, "GET", h.admin+"/v1/topics", "", header{"Authorization": scheme + testToken}); answer.StatusCode != 200 {
			t.Errorf("with the token: %s", answer.Status)
		}
	}
	if answer, _ := ask(t, http.DefaultClient, "POST", h.admin+"/v1/drain", "", header{"Authorization": "Bearer " + testToken}); answer.StatusCode != 202 {
		t.Errorf("drain with the token: %s", answer.Status)
	}
	<-h.done
	for _, l := range h.logs {
		if strings.Contains(fmt.Sprint(l), testToken) {
			t.Errorf("the token is logged: %v", l)
		}
	}
}

func TestBadTokenFiles(t *testing.T) {
	for content, want := range map[string]string{
		"":                          "holds a token of 0 bytes",
		" fifteen-letters\n":        "holds a token of 15 bytes, and 16 are the least",
		"two words of some length":  "more than one word",
		strings.Repeat("x", 5<<10):  "is longer than 4096 bytes",
		"nöt-ASCII-but-long-enough": "visible ASCII",
	} {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		h := newRunningHub(t, "--admin-token-file", path)
		<-h.done
		if h.err == nil || !strings.Contains(h.err.Error(), want) || !strings.Contains(h.err.Error(), "--admin-token-file") ||
			len(content) > 0 && strings.Contains(h.err.Error(), strings.TrimSpace(content)) {
			t.Errorf("%.20q: %v", content, h.err)
		}
	}
	h := newRunningHub(t, "--admin-token-file", filepath.Join(t.TempDir(), "none"))
	<-h.done
	if h.err == nil || !strings.Contains(h.err.Error(), "openssl rand") {
		t.Errorf("no file: %v", h.err)
	}
}
