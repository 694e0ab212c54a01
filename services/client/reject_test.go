package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// What will be refused again ends the subscription with the reason; all else
// is tried again.
func TestRefusals(t *testing.T) {
	problem := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"type":"urn:sluice:problem:x","title":"X","status":%d,"detail":"because","trace_id":"7"}`, status)
		}
	}
	inStream := func(status int, permanent bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			streaming(w, fmt.Sprintf("retry: 1000\nevent: stream.rejected\ndata: {\"status\":%d,\"type\":\"urn:sluice:problem:x\",\"detail\":\"because\",\"permanent\":%v,\"trace_id\":\"7\"}\n\n", status, permanent))
		}
	}
	plain := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				fmt.Fprint(w, body)
			}
		}
	}
	said := client.RejectedError{Type: "urn:sluice:problem:x", Detail: "because", TraceID: "7", Permanent: true}
	for name, row := range map[string]struct {
		serve http.HandlerFunc
		final *client.RejectedError // nil: it goes on
	}{
		"400":                {problem(400), with(said, 400)},
		"401":                {problem(401), with(said, 401)},
		"403":                {problem(403), with(said, 403)},
		"404":                {problem(404), with(said, 404)},
		"410":                {problem(410), with(said, 410)},
		"204":                {plain(204, "", ""), &client.RejectedError{Status: 204, Permanent: true}},
		"another server":     {plain(404, "text/html", "<html>"), &client.RejectedError{Status: 404, Permanent: true}},
		"no stream":          {plain(200, "text/html", "<html>"), &client.RejectedError{Status: 200, Permanent: true, Detail: "the answer is not an event stream: is this the address of a hub?"}},
		"in the stream":      {inStream(403, true), inTime(said, 403)},
		"408":                {problem(408), nil},
		"429":                {problem(429), nil},
		"500":                {problem(500), nil},
		"502":                {plain(502, "text/html", "<html>"), nil},
		"504":                {problem(504), nil},
		"once in the stream": {inStream(503, false), nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			attempts := 0
			hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
				if attempts++; attempts == 1 {
					row.serve(w, r)
					return
				}
				streaming(w, opening("1-0", "1-0"), event("2-0", "x"))
			})
			defer hub.stop()
			_, err := collect(t.Context(), hub.options(d), 1)
			if len(d.all(client.Rejected)) != 1 {
				t.Errorf("%s: the refusal was not reported", name)
			}
			if row.final == nil {
				if err != nil || attempts != 2 {
					t.Errorf("%s: %d attempts, %v", name, attempts, err)
				}
				return
			}
			var why *client.RejectedError
			if !errors.As(err, &why) || *why != *row.final || attempts != 1 {
				t.Errorf("%s: %d attempts, %+v", name, attempts, err)
			}
		})
	}
}

func with(e client.RejectedError, status int) *client.RejectedError {
	e.Status = status
	return &e
}

func inTime(e client.RejectedError, status int) *client.RejectedError {
	e.Status, e.RetryAfter = status, time.Second
	return &e
}

// After a 401 a fresh token is asked for and tried at once; only when that is
// refused too, or there is none, the subscription ends.
func TestFreshToken(t *testing.T) {
	unavailable := errors.New("issuer away")
	for name, row := range map[string]struct {
		tokens   []string // the last one is given from then on; empty: an error
		attempts int
		status   int // at the end; 0: an event came
	}{
		"fresh":            {[]string{"old", "good"}, 2, 0},
		"no other":         {[]string{"old"}, 1, 401},
		"refused too":      {[]string{"old", "older"}, 2, 401},
		"issuer away":      {[]string{"", "", "good"}, 1, 0},
		"away for a fresh": {[]string{"old", "", "good"}, 2, 0},
		"fresh in a while": {[]string{"old", "", "old", "good"}, 3, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			attempts := 0
			hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
				attempts++
				if r.Header.Get("Authorization") != "Bearer good" {
					w.WriteHeader(401)
					return
				}
				streaming(w, opening("1-0", "1-0"), event("2-0", "x"))
			})
			defer hub.stop()
			o := hub.options(d)
			asked := 0
			o.Token = func(context.Context) (string, error) {
				token := row.tokens[min(asked, len(row.tokens)-1)]
				if asked++; token == "" {
					return "", unavailable
				}
				return token, nil
			}
			_, err := collect(t.Context(), o, 1)
			var why *client.RejectedError
			if row.status == 0 && err != nil || row.status != 0 && (!errors.As(err, &why) || why.Status != row.status) || attempts != row.attempts {
				t.Errorf("%s: %d attempts, %v", name, attempts, err)
			}
			for _, s := range d.states {
				if s.Err != nil && (strings.Contains(s.Err.Error(), "old") || strings.Contains(s.Err.Error(), "good")) {
					t.Errorf("%s: %v tells the token", name, s.Err)
				}
			}
		})
	}
}

// An event that is too large would come again and again.
func TestTooLargeEventEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"), event("2-0", strings.Repeat("x", 5000)))
		})
		defer hub.stop()
		o := hub.options(d)
		o.MaxEventBytes = 4000
		if _, err := collect(t.Context(), o, 1); err == nil || !strings.Contains(err.Error(), "raise MaxEventBytes") {
			t.Error(err)
		}
	})
}

func TestBadOptions(t *testing.T) {
	for want, o := range map[string]client.Options{
		"not the address":   {URL: "hub:8080", Topics: []string{"a"}},
		"name Topics":       {URL: "http://hub/"},
		"has a client_id":   {URL: "http://hub?client_id=x", Topics: []string{"a"}, ClientID: "me"},
		"has a heartbeat":   {URL: "http://hub?heartbeat=comment", Topics: []string{"a"}, Pong: true},
		"ending in /v1/":    {URL: "http://hub/stream?topic=a", Pong: true},
		"65 topics":         {URL: "http://hub", Topics: make([]string, 65)},
		"not the name":      {URL: "http://hub", Topics: []string{"a@b"}},
		"is no id":          {URL: "http://hub", Topics: []string{"a"}, LastEventID: "1\n2"},
		"load the position": {URL: "http://hub", Topics: []string{"a"}, Positions: client.File(t.TempDir())},
	} {
		if _, err := collect(t.Context(), o, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
