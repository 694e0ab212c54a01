package sse_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	gingzip "github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

const traceHeader = "X-Trace-Id"

// answerJSON is long enough for every middleware to compress it.
var answerJSON = map[string]string{"text": strings.Repeat("compress me ", 400)}

// frameworks serve subscriptions at /v1/events and JSON at /json, behind their
// compression and recovery, and a middleware that sets a header.
var frameworks = map[string]struct {
	route func(stream http.Handler) http.Handler
	// blind: its compression ends its archive behind what the handler has
	// written, and cannot be kept from it.
	blind bool
}{
	"gin":                     {route: routeGin},
	"echo":                    {route: routeEcho},
	"net/http":                {route: routePlain(func(g *gzipWriter) http.ResponseWriter { return unwrapping{g} })},
	"net/http without Unwrap": {route: routePlain(func(g *gzipWriter) http.ResponseWriter { return g }), blind: true},
	"net/http by value":       {route: routePlain(func(g *gzipWriter) http.ResponseWriter { return valueWriter{g.gz, g.ResponseWriter} }), blind: true},
}

func routeGin(stream http.Handler) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(500) }))
	e.Use(func(c *gin.Context) { c.Header(traceHeader, "t-1") }, gingzip.Gzip(gingzip.BestSpeed))
	e.GET("/v1/events", gin.WrapH(stream))
	e.GET("/json", func(c *gin.Context) { c.JSON(200, answerJSON) })
	return e
}

func routeEcho(stream http.Handler) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover(), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set(traceHeader, "t-1")
			return next(c)
		}
	}, middleware.Gzip())
	e.GET("/v1/events", echo.WrapHandler(stream))
	e.GET("/json", func(c echo.Context) error { return c.JSON(200, answerJSON) })
	return e
}

// routePlain puts a compression written by hand before a ServeMux.
func routePlain(wrap func(*gzipWriter) http.ResponseWriter) func(http.Handler) http.Handler {
	return func(stream http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/v1/events", stream)
		mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answerJSON)
		})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(traceHeader, "t-1")
			w.Header().Set("Content-Encoding", "gzip")
			g := &gzipWriter{ResponseWriter: w, gz: gzip.NewWriter(w)}
			wrapped := wrap(g)
			defer func() {
				if _, knows := wrapped.(unwrapping); !knows || g.written {
					_ = g.gz.Close()
				}
			}()
			mux.ServeHTTP(wrapped, r)
		})
	}
}

type gzipWriter struct {
	http.ResponseWriter
	gz      *gzip.Writer
	written bool
}

func (g *gzipWriter) Write(p []byte) (int, error) { g.written = true; return g.gz.Write(p) }

type unwrapping struct{ *gzipWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// valueWriter is how many write it: not a pointer, and with nothing else.
type valueWriter struct {
	io.Writer
	http.ResponseWriter
}

func (v valueWriter) Write(p []byte) (int, error) { return v.Writer.Write(p) }

// TestFrameworks: the stream arrives as it is and at once, whatever is around
// the handler; other routes are compressed as before.
func TestFrameworks(t *testing.T) {
	for name, framework := range frameworks {
		for _, proto := range []string{"HTTP/1.1", "HTTP/1.0", "HTTP/2.0"} {
			t.Run(name+"/"+proto, func(t *testing.T) {
				f := serve(t, options{route: framework.route, tls: proto == "HTTP/2.0", noisy: framework.blind})
				answer := f.ask(t, proto, "/v1/events?topic=a&last_event_id=0")
				if answer.StatusCode != 200 || answer.Proto != proto || answer.Header.Get("Content-Encoding") != "" ||
					answer.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" || answer.Header.Get(traceHeader) != "t-1" {
					t.Fatalf("%s %s %v", answer.Proto, answer.Status, answer.Header)
				}
				var raw bytes.Buffer
				d := wire.NewDecoder(io.TeeReader(answer.Body, &raw))
				opened := nextOf(t, d)
				tr := newTrack(f.ledger, opened, "a")
				for _, size := range []int{10, 100000, 10} {
					f.publishN("a", 1, size)
					tr.event(nextOf(t, d))
				}
				if !f.h.Disconnect(expectOpen(t, opened).Connection) {
					t.Fatal("no such connection")
				}
				for {
					m, err := d.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatalf("%v, %v", m, err)
					}
				}
				if !framework.blind && !strings.HasSuffix(raw.String(), "\n\n") {
					t.Errorf("behind the last event: %q", raw.Bytes()[max(0, raw.Len()-60):])
				}
				if e := f.observer.ended(t, 0); e.reason != sse.ReasonAdmin || e.err != nil || e.sent.Events != 3 {
					t.Errorf("%s, %v, %+v", e.reason, e.err, e.sent)
				}

				answer = f.ask(t, proto, "/json")
				if answer.StatusCode != 200 || answer.Header.Get("Content-Encoding") != "gzip" {
					t.Fatalf("/json: %s %v", answer.Status, answer.Header)
				}
				gz, err := gzip.NewReader(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				var got map[string]string
				if err := json.NewDecoder(gz).Decode(&got); err != nil || got["text"] != answerJSON["text"] {
					t.Errorf("/json: %v", err)
				}
			})
		}
	}
}

// TestFrameworksRefuse: problems come through compressed or not, as the
// middleware likes, with the status of the handler.
func TestFrameworksRefuse(t *testing.T) {
	for name, framework := range frameworks {
		for _, proto := range []string{"HTTP/1.1", "HTTP/1.0", "HTTP/2.0"} {
			t.Run(name+"/"+proto, func(t *testing.T) {
				f := serve(t, options{route: framework.route, tls: proto == "HTTP/2.0"})
				answer := f.ask(t, proto, "/v1/events")
				var body io.Reader = answer.Body
				if answer.Header.Get("Content-Encoding") == "gzip" {
					var err error
					if body, err = gzip.NewReader(body); err != nil {
						t.Fatal(err)
					}
				}
				var problem struct{ Type string }
				if err := json.NewDecoder(body).Decode(&problem); err != nil || answer.StatusCode != 400 ||
					answer.Header.Get("Content-Type") != "application/problem+json" || problem.Type != sse.ProblemTypePrefix+"missing-topic" {
					t.Errorf("%s %v %+v, %v", answer.Status, answer.Header, problem, err)
				}
			})
		}
	}
}

// ask sends a GET that accepts compression and leaves the answer as it is.
func (f *fixture) ask(t testing.TB, proto, target string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.server.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	if proto != "HTTP/1.0" {
		answer, err := f.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	w := f.dial(t, 0)
	w.send("GET " + target + " HTTP/1.0\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n")
	answer, err := http.ReadResponse(w.in, r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
