package accesslog

import (
	"strings"
	"testing"
	"time"
)

// text is a line as nginx writes it, with some of its values.
func text(values map[string]string) string {
	var all []string
	for _, f := range fields {
		value, ok := values[f.end]
		if !ok {
			value = "-"
		}
		all = append(all, value)
	}
	return strings.Join(all, "\t")
}

func TestParse(t *testing.T) {
	l, ok := Parse(text(map[string]string{
		"end": "end", "$msec": "1796093948.290", "$request_time": "1.004", "$answered": "502", "$begun": "1", "$pid": "17", "$method": "GET",
		"$path": "/v1/events", "$sampled": "01", "$upstream_addr": "10.0.0.1:8080, 10.0.0.2:8080 : 10.0.0.3:8080",
		"$upstream_connect_time": "-, 0.001 : 0.002", "$upstream_header_time": "-, - : 1.000", "$bytes_sent": "42", "$https": "on", "$connection_time": "2.500",
	}))
	want := time.UnixMilli(1796093948290)
	if !ok || l.Kind != End || !l.At.Equal(want) || l.Took != 1004*time.Millisecond || l.Status != 502 || !l.Begun || l.Worker != 17 || !l.Sampled || l.Bytes != 42 || !l.Secure || l.Age != 2500*time.Millisecond || l.Topic != "" {
		t.Errorf("%v, %+v", ok, l)
	}
	if n := len(Each(l.Upstream)); n != 3 || l.Connect.At(0) != -1 || l.Connect.At(1) != time.Millisecond || l.Header.At(1) != -1 || l.Header.At(2) != time.Second || l.Header.At(3) != -1 {
		t.Errorf("%d hubs, %v, %v", n, l.Connect, l.Header)
	}
}

// What is no line is none, whatever it is.
func TestParseOther(t *testing.T) {
	good := text(map[string]string{"end": "end", "$msec": "1796093948.290"})
	for _, other := range []string{"", "end", "nginx: [emerg] bind() failed", good + "\tmore", strings.Replace(good, "end\t", "start\t", 1),
		strings.Replace(good, "1796093948.290", "now", 1), strings.Replace(good, "1796093948.290", "1.5", 1)} {
		if l, ok := Parse(other); ok {
			t.Errorf("%q is %+v", other, l)
		}
	}
}

// A format names each field once, with a tab between.
func TestFormat(t *testing.T) {
	for _, kind := range []Kind{Head, End} {
		if n := strings.Count(Format(kind), `\t`); n != len(fields)-1 {
			t.Errorf("%s has %d tabs", kind, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text(map[string]string{"end": "head", "$msec": "1796093948.290", "$upstream_connect_time": "0.1, - : 3"}))
	f.Fuzz(func(t *testing.T, line string) {
		if l, ok := Parse(line); ok && (l.At.IsZero() || l.Kind == "") {
			t.Errorf("%+v", l)
		}
	})
}
