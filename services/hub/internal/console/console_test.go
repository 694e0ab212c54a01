package console

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
)

func ask(t *testing.T, method, path string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	Handler(Welcome("http://hub")).ServeHTTP(w, r)
	return w.Result()
}

var html = map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

func TestEveryFileIsGuardedAndCached(t *testing.T) {
	for _, path := range Paths() {
		answer := ask(t, "GET", path, html)
		body, _ := io.ReadAll(answer.Body)
		h := answer.Header
		if answer.StatusCode != 200 || len(body) == 0 || h.Get("Content-Type") == "" {
			t.Errorf("%s: %s, %s, %d bytes", path, answer.Status, h.Get("Content-Type"), len(body))
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-cache",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q", path, name, got)
			}
		}
		again := ask(t, "GET", path, map[string]string{"Accept": "text/html", "If-None-Match": h.Get("ETag")})
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", path, again.Status)
		}
		head := ask(t, "HEAD", path, html)
		if nothing, _ := io.ReadAll(head.Body); head.StatusCode != 200 || len(nothing) > 0 || head.ContentLength != int64(len(body)) {
			t.Errorf("HEAD %s: %s, %d bytes, Content-Length %d", path, head.Status, len(nothing), head.ContentLength)
		}
	}
	if p := Paths(); p[0] != "/" || len(p) < 4 {
		t.Errorf("Paths: %v", p)
	}
}

func TestProgramsGetWordsNotAPage(t *testing.T) {
	for _, accept := range []string{"", "*/*", "application/json", "text/plain"} {
		answer := ask(t, "GET", "/", map[string]string{"Accept": accept})
		body, _ := io.ReadAll(answer.Body)
		if typ := answer.Header.Get("Content-Type"); !strings.HasPrefix(typ, "text/plain") || !strings.Contains(string(body), "curl -N 'http://hub/v1/events?topic=demo'") {
			t.Errorf("Accept %q: %s\n%s", accept, typ, body)
		}
		if answer.Header.Get("Vary") != "Accept" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("Accept %q: headers %v", accept, answer.Header)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/console.go", 404},
		{"GET", "/index.html", 404},
		{"GET", "/console/", 404},
		{"GET", "/../console.css", 404},
		{"POST", "/", 405},
		{"DELETE", "/console.js", 405},
	} {
		if got := ask(t, row.method, row.path, html).StatusCode; got != row.status {
			t.Errorf("%s %s: %d, want %d", row.method, row.path, got, row.status)
		}
	}
}

// The policy would refuse these in the browser, and nothing here may make
// markup of what an event carries.
func TestPageKeepsToItsPolicy(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\sstyle\s*=|\son[a-z]+\s*=\s*"|<style|<script[^>]*>[^<]|javascript:`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|DOMParser|createContextualFragment|\beval\b|new Function|setAttribute\("style"`)
	for path, f := range files {
		text := string(f.content)
		if found := inline.FindString(text); found != "" && strings.HasPrefix(f.typ, "text/html") {
			t.Errorf("%s has %q", path, found)
		}
		if found := markup.FindString(text); found != "" && strings.HasPrefix(f.typ, "text/javascript") {
			t.Errorf("%s has %q", path, found)
		}
		if lines := strings.Count(text, "\n"); lines > 500 {
			t.Errorf("%s has %d lines", path, lines)
		}
	}
}

// Every module is preloaded: else each would wait for the one that imports it.
func TestModulesArePreloaded(t *testing.T) {
	for _, path := range Paths() {
		if strings.HasPrefix(path, "/console/") && !strings.Contains(string(files["/"].content), `<link rel="modulepreload" href="`+path+`">`) {
			t.Errorf("%s is not preloaded", path)
		}
	}
}

// TestScripts runs the tests of the page's modules, in testdata.
func TestScripts(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		needs.Missing(t, "no node: install it, version 20 or later")
	}
	dir := t.TempDir()
	copyFiles(t, os.DirFS("page"), dir)
	copyFiles(t, os.DirFS("testdata"), dir)
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, node, "--test", "--test-timeout=30000")
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	}
}

func copyFiles(t *testing.T, from fs.FS, dir string) {
	t.Helper()
	if err := os.CopyFS(dir, from); err != nil {
		t.Fatal(err)
	}
}
