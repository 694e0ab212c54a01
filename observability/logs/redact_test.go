package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const hidden = "hunter2"

// Whatever way a secret takes into a line, it is not in it.
func TestRedaction(t *testing.T) {
	address, err := url.Parse("https://u:" + hidden + "@example.com/events?topic=a&access_token=" + hidden + "&after=7")
	if err != nil {
		t.Fatal(err)
	}
	_, broken := url.Parse("redis://:" + hidden + "/" + hidden + "@example.com:x/0")
	failed := &url.Error{Op: "Get", URL: address.String(), Err: io.ErrUnexpectedEOF}
	var none *url.Error
	for name, c := range map[string]struct {
		attrs []any
		want  string // in the line, beside that the secret is not
	}{
		"secret":              {[]any{"key", Secret(hidden)}, `"key":"[redacted]"`},
		"secret pointer":      {[]any{"key", new(Secret(hidden))}, `"key":"[redacted]"`},
		"secret in a struct":  {[]any{"s", struct{ Key Secret }{hidden}}, `"s":{"Key":"[redacted]"}`},
		"secret in a list":    {[]any{"s", []Secret{hidden}}, `"s":["[redacted]"]`},
		"secret in an error":  {[]any{"error", fmt.Errorf("key %q %v", Secret(hidden), Secret(hidden))}, `"key [redacted] [redacted]"`},
		"key":                 {[]any{"token", hidden}, `"token":"[redacted]"`},
		"key of other case":   {[]any{"Authorization", "Bearer " + hidden}, `"Authorization":"[redacted]"`},
		"key of a number":     {[]any{"PASSWORD", 5}, `"PASSWORD":"[redacted]"`},
		"key of a list":       {[]any{"Set-Cookie", []string{hidden}}, `"Set-Cookie":"[redacted]"`},
		"keys":                {[]any{"cookie", hidden, "secret", hidden, "access_token", hidden}, `"access_token":"[redacted]"`},
		"key in groups":       {[]any{slog.Group("a", slog.Group("b", "token", hidden))}, `"a":{"b":{"token":"[redacted]"}}`},
		"group of that key":   {[]any{slog.Group("secret", "a", hidden)}, `"secret":{"a":"[redacted]"}`},
		"value of that key":   {[]any{"password", login{}}, `"password":{"name":"[redacted]"}`},
		"URL":                 {[]any{"url", address}, `"url":"https://example.com/events?topic=a&access_token=[redacted]&after=7"`},
		"URL by value":        {[]any{"url", *address}, `"url":"https://example.com/events?topic=a&access_token=[redacted]&after=7"`},
		"no URL":              {[]any{"url", (*url.URL)(nil)}, `"url":null`},
		"URL in a text":       {[]any{"url", address.String()}, `"url":"https://[redacted]@example.com/events?topic=a&access_token=[redacted]&after=7"`},
		"name written oddly":  {[]any{"url", "/events?access%5Ftoken=" + hidden}, `"url":"/events?access%5Ftoken=[redacted]"`},
		"URL in an error":     {[]any{"error", failed}, `access_token=[redacted]&after=7\": unexpected EOF`},
		"URL in wrapped ones": {[]any{"error", errors.Join(io.EOF, fmt.Errorf("fetching keys: %w", failed))}, `access_token=[redacted]`},
		"error in a group":    {[]any{slog.Group("a", "error", failed)}, `"a":{"error":"Get`},
		"error as a text":     {[]any{"error", failed.Error()}, `access_token=[redacted]`},
		"URL that is none":    {[]any{"error", broken}, `redis://[redacted]@example.com:x/0\": invalid port [redacted] after host`},
		"error that is none":  {[]any{"error", none}, `"error":"!PANIC: runtime error`},
		"headers":             {[]any{"headers", http.Header{"Cookie": {hidden}, "Accept": {"a"}}}, `"headers":{"Accept":["a"],"Cookie":["[redacted]"]}`},
		"others stay":         {[]any{"tokens", 3, "topic", "a@b", "path", "/a?b=c"}, `"tokens":3,"topic":"a@b","path":"/a?b=c"`},
	} {
		var out bytes.Buffer
		l, _ := begin(t, "", &out, quick())
		l.Logger().Info("m", c.attrs...)
		l.Logger().With(c.attrs...).WithGroup("g").Info(address.String(), c.attrs...)
		l.Close(t.Context())
		text := out.String()
		if strings.Contains(text, hidden) || strings.Count(text, c.want) < 3 {
			t.Errorf("%s: want three times %s in\n%s", name, c.want, text)
		}
		for line := range strings.Lines(text) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: no JSON: %s", name, line)
			}
		}
	}
}

// login becomes a group only when it is logged.
type login struct{}

func (login) LogValue() slog.Value { return slog.GroupValue(slog.String("name", hidden)) }

// Redacting changes what is written, not what was handed over.
func TestRedactionCopies(t *testing.T) {
	headers := http.Header{"Cookie": {hidden}}
	address := &url.URL{Scheme: "http", User: url.User(hidden), Host: "example.com"}
	l, _ := begin(t, "", io.Discard, quick())
	l.Logger().Info("m", "h", headers, "u", address)
	l.Close(t.Context())
	if headers.Get("Cookie") != hidden || address.User.Username() != hidden {
		t.Errorf("now %v, %v", headers, address)
	}
}

func TestSecretShowsNowhere(t *testing.T) {
	s := Secret(hidden)
	text, _ := json.Marshal(map[string]any{"a": s, "b": &s})
	for _, got := range []string{
		fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q %x %X %d %10.3s", s, s, s, s, s, s, s, s, s), s.String(), s.GoString(),
		fmt.Sprintf("%v %+v", struct{ S Secret }{s}, []Secret{s}), string(text),
	} {
		if strings.Contains(got, hidden) || strings.Contains(got, fmt.Sprintf("%x", hidden)) || !strings.Contains(got, "[redacted]") {
			t.Errorf("shows as %s", got)
		}
	}
	if string(s) != hidden {
		t.Error("the secret is lost to those who need it")
	}
}
