package logs

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// redactor keeps secrets out of lines.
type redactor struct {
	user  *regexp.Regexp // user information of a URL within a text
	port  *regexp.Regexp // what url.Parse takes for a port in a URL with a bad password
	token *regexp.Regexp // access_token in its query
}

func newRedactor() *redactor {
	return &redactor{
		// Up to the last @: a password that breaks the URL is one too.
		user:  regexp.MustCompile(`://[^\s"]*@`),
		port:  regexp.MustCompile(`(invalid port )"[^"]*"`),
		token: regexp.MustCompile(`(access(?:_|%5[fF])token=)[^&#\s"']*`),
	}
}

// replace is a ReplaceAttr of slog: it is asked for each attribute, once
// resolved, and never for a group as such.
func (r *redactor) replace(groups []string, a slog.Attr) slog.Attr {
	switch {
	case sensitive(a.Key) || slices.ContainsFunc(groups, sensitive):
		a.Value = slog.StringValue(redacted)
	case a.Value.Kind() == slog.KindString:
		if text := a.Value.String(); suspect(text) {
			a.Value = slog.StringValue(r.text(text))
		}
	case a.Value.Kind() == slog.KindAny:
		a.Value = r.value(a.Value)
	}
	return a
}

func (r *redactor) value(v slog.Value) slog.Value {
	switch x := v.Any().(type) {
	case slog.Level: // slog would go through encoding/json for the same text
		return slog.StringValue(x.String())
	case *url.URL:
		if x != nil {
			return slog.StringValue(r.url(*x))
		}
	case url.URL:
		return slog.StringValue(r.url(x))
	case http.Header:
		return slog.AnyValue(header(x))
	case error:
		return slog.StringValue(r.text(message(x)))
	}
	return v
}

// text takes the secrets out of a text that may hold URLs, such as the
// message of a *url.Error.
func (r *redactor) text(text string) string {
	if !suspect(text) {
		return text
	}
	text = r.user.ReplaceAllLiteralString(text, "://"+redacted+"@")
	text = r.port.ReplaceAllString(text, "${1}"+redacted)
	return r.query(text)
}

func (r *redactor) query(text string) string {
	return r.token.ReplaceAllString(text, "${1}"+redacted)
}

// suspect reports whether a text needs a closer look, which is slow.
func suspect(text string) bool {
	return strings.Contains(text, "://") || strings.Contains(text, "token=")
}

func (r *redactor) url(u url.URL) string {
	u.User = nil
	return r.query(u.String())
}

func header(h http.Header) http.Header {
	h = h.Clone()
	for name := range h {
		if sensitive(name) {
			h[name] = []string{redacted}
		}
	}
	return h
}

// message survives an error that panics, as slog's own handlers do: typically
// it is a nil pointer.
func message(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("!PANIC: %v", p)
		}
	}()
	return err.Error()
}

// sensitive reports whether values of that name are secrets.
func sensitive(name string) bool {
	switch len(name) { // most names are none of these, at the price of this
	case len("token"):
		return strings.EqualFold(name, "token")
	case len("cookie"): // and "secret"
		return strings.EqualFold(name, "cookie") || strings.EqualFold(name, "secret")
	case len("password"):
		return strings.EqualFold(name, "password")
	case len("set-cookie"):
		return strings.EqualFold(name, "set-cookie")
	case len("access_token"):
		return strings.EqualFold(name, "access_token")
	case len("authorization"):
		return strings.EqualFold(name, "authorization")
	}
	return false
}
