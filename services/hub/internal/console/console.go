// Package console is the hub's page: it shows what streams carry, how the
// connection behind it fares, and the hub's figures, and publishes.
//
// It is files in page, without a build step, served under a policy that lets
// nothing in from elsewhere. The page has no powers of its own: it subscribes
// and publishes as every other client does.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed page
var page embed.FS

// policy lets the page load its own files and talk to its own hub, and
// nothing else: no inline script or style, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one file as it is served.
type file struct {
	content []byte
	typ     string
	tag     string // its ETag
}

// files are the files of the page by the path that they are served at.
var files = load()

func load() map[string]file {
	found := map[string]file{}
	err := fs.WalkDir(page, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := page.ReadFile(name)
		sum := sha256.Sum256(content)
		at := strings.TrimPrefix(name, "page")
		if at == "/index.html" {
			at = "/"
		}
		found[at] = file{content, types[path.Ext(name)], `"` + hex.EncodeToString(sum[:8]) + `"`}
		return err
	})
	if err != nil {
		panic(err) // what is embedded can be read
	}
	return found
}

// Paths returns the paths that the page is made of, "/" first.
func Paths() []string { return slices.Sorted(maps.Keys(files)) }

// Handler serves the page and its files at [Paths], to GET and HEAD. A client
// at "/" that does not ask for HTML gets what plain writes.
func Handler(plain func(http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache") // asked for again each time, answered 304
		if r.URL.Path == "/" {
			h.Add("Vary", "Accept")
			if !asksForHTML(r) {
				plain(w, r)
				return
			}
		}
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Type", f.typ)
		h.Set("ETag", f.tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	})
}

// asksForHTML tells browsers from programs: only they name the type.
func asksForHTML(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Accept"), func(accept string) bool {
		return strings.Contains(strings.ToLower(accept), "text/html")
	})
}

// Welcome is what tells a newcomer at a terminal what to type, for a hub that
// is reached at base: an answer for [Handler].
func Welcome(base string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		// An answer that cannot be written has nobody left to tell.
		_, _ = fmt.Fprintf(w, `This is a Sluice hub: Server-Sent Events that survive reconnects.

Watch a topic:
  curl -N '%[1]s/v1/events?topic=demo'

Publish to it, from another terminal:
  curl -d 'hello' %[1]s/v1/topics/demo/events

Or open %[1]s/ in a browser, and see.
`, base)
	}
}
