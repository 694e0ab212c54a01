package main

import (
	"net/http"
	"regexp"
	"testing"
)

// The caller's trace goes on below a span of the edge's own, with the caller's
// decision whether it is sampled; without one, the edge decides, and says so.
func TestTraceIsHandedOn(t *testing.T) {
	const (
		id   = "4bf92f3577b34da6a3ce929d0e0e4736"
		span = "00f067aa0ba902b7"
	)
	w3c := regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$`)
	for ratio, flag := range map[string]string{"0": "00", "1": "01"} {
		e, came := listen(t, func(http.ResponseWriter, *http.Request) {}, "--trace-ratio", ratio)
		for name, c := range map[string]struct {
			sent     []string
			id, flag string
			state    string
		}{
			"none":                  {nil, "", flag, ""},
			"W3C, sampled":          {[]string{"traceparent", "00-" + id + "-" + span + "-01", "tracestate", "a=b"}, id, "01", "a=b"},
			"W3C, not sampled":      {[]string{"traceparent", "00-" + id + "-" + span + "-00"}, id, "00", ""},
			"W3C, other flags":      {[]string{"traceparent", "00-" + id + "-" + span + "-0b"}, id, "01", ""},
			"W3C, a later version":  {[]string{"traceparent", "cc-" + id + "-" + span + "-01-what"}, id, "01", ""},
			"W3C, no version":       {[]string{"traceparent", "ff-" + id + "-" + span + "-01"}, "", flag, ""},
			"W3C, too long":         {[]string{"traceparent", "00-" + id + "-" + span + "-01-what", "tracestate", "a=b"}, "", flag, ""},
			"W3C, zeros":            {[]string{"traceparent", "00-00000000000000000000000000000000-" + span + "-01"}, "", flag, ""},
			"W3C, no span":          {[]string{"traceparent", "00-" + id + "-0000000000000000-01"}, "", flag, ""},
			"W3C, capitals":         {[]string{"traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01"}, "", flag, ""},
			"Jaeger":                {[]string{"uber-trace-id", id + ":" + span + ":0:1"}, id, "01", ""},
			"Jaeger, not sampled":   {[]string{"uber-trace-id", id + ":" + span + ":0:0"}, id, "00", ""},
			"Jaeger, escaped":       {[]string{"uber-trace-id", id + "%3A" + span + "%3a" + span + "%3A3"}, id, "01", ""},
			"Jaeger, 64 bits":       {[]string{"uber-trace-id", "a3ce929d0e0e4736:" + span + ":0:1"}, "0000000000000000a3ce929d0e0e4736", "01", ""},
			"Jaeger, no zeros":      {[]string{"uber-trace-id", "bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1"}, "0bf92f3577b34da6a3ce929d0e0e4736", "01", ""},
			"Jaeger, zeros":         {[]string{"uber-trace-id", "0:" + span + ":0:1"}, "", flag, ""},
			"Jaeger, too long":      {[]string{"uber-trace-id", "1" + id + ":" + span + ":0:1"}, "", flag, ""},
			"both, W3C counts":      {[]string{"traceparent", "00-" + id + "-" + span + "-00", "uber-trace-id", "1:2:0:1"}, id, "00", ""},
			"both, Jaeger is right": {[]string{"traceparent", "nonsense", "uber-trace-id", id + ":" + span + ":0:1", "tracestate", "a=b"}, id, "01", ""},
		} {
			ask(t, "POST", e.url+"/v1/topics/orders/events", "data", c.sent...)
			r := <-came
			m := w3c.FindStringSubmatch(r.Header.Get("Traceparent"))
			if m == nil {
				t.Errorf("%s: handed on is %q", name, r.Header.Get("Traceparent"))
				continue
			}
			if c.id != "" && m[1] != c.id || c.id == "" && m[1] == id || m[2] == span || m[3] != c.flag || r.Header.Get("Tracestate") != c.state || r.Header.Get("Uber-Trace-Id") != "" {
				t.Errorf("%s: handed on is %q, %q, %q", name, r.Header.Get("Traceparent"), r.Header.Get("Tracestate"), r.Header.Get("Uber-Trace-Id"))
			}
		}
	}
}
