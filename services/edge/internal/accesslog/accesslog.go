// Package accesslog is what nginx says of each request: the format of its
// lines, and how they are read.
//
// Fields are apart by tabs, which nginx escapes within them. A request has one
// line, when it is over. A stream has one more, when its head is out: there it
// is known how it began, and the other may be hours away.
package accesslog

import (
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of a line.
type Kind string

// The kinds.
const (
	Head Kind = "head" // a stream has begun
	End  Kind = "end"  // a request is over
)

// Line is a line.
type Line struct {
	Kind     Kind
	At       time.Time     // when it was written
	Took     time.Duration // of a head, until then; of an end, the whole request
	Status   int           // that was meant: of a stream that could not be had, 502 and the like
	Begun    bool          // it is the end of a stream whose head has a line
	Worker   int           // process that it is of
	Method   string
	Path     string // as it was written, without the query
	Topic    string // that was asked for
	Client   string // address
	Protocol string // HTTP/1.1
	Agent    string

	TraceID, Span, Parent string // in hexadecimal digits; no parent: the trace begins here
	Sampled               bool
	RequestID             string

	Upstream        string // addresses of the hubs that were tried
	UpstreamStatus  string // what they answered
	Connect, Header Times  // until they were connected to, and until their heads were there
	Release         string // as the hub said
	Bytes           int64  // to the client
	Secure          bool
	Requests        int           // of its connection, this one included
	Age             time.Duration // of its connection
}

// Times are how long something took with each hub that was tried; -1: it never
// came to it.
type Times []time.Duration

// At returns the time of one of the hubs that were tried; less than 0: it never
// came to it.
func (t Times) At(i int) time.Duration {
	if i >= len(t) {
		return -1
	}
	return t[i]
}

// Each returns what a text says of each hub that was tried: commas are between
// them, and colons where nginx went from one group to another.
func Each(text string) []string {
	text = strings.ReplaceAll(text, " : ", ", ")
	if text == "" {
		return nil
	}
	return strings.Split(text, ", ")
}

// The fields of a line, in their order.
var fields = []struct {
	head, end string // variables of nginx
	set       func(*Line, string)
}{
	{"head", "end", func(l *Line, s string) { l.Kind = Kind(s) }},
	{"$msec", "$msec", func(l *Line, s string) { l.At = moment(s) }},
	{"$head_time", "$request_time", func(l *Line, s string) { l.Took = seconds(s) }},
	{"200", "$answered", func(l *Line, s string) { l.Status, _ = strconv.Atoi(s) }},
	{"$begun", "$begun", func(l *Line, s string) { l.Begun = s == "1" }},
	{"$pid", "$pid", func(l *Line, s string) { l.Worker, _ = strconv.Atoi(s) }},
	{"$method", "$method", func(l *Line, s string) { l.Method = s }},
	{"$path", "$path", func(l *Line, s string) { l.Path = s }},
	{"$topic", "$topic", func(l *Line, s string) { l.Topic = s }},
	{"$remote_addr", "$remote_addr", func(l *Line, s string) { l.Client = s }},
	{"$server_protocol", "$server_protocol", func(l *Line, s string) { l.Protocol = s }},
	{"$agent", "$agent", func(l *Line, s string) { l.Agent = s }},
	{"$trace_id", "$trace_id", func(l *Line, s string) { l.TraceID = s }},
	{"$span", "$span", func(l *Line, s string) { l.Span = s }},
	{"$parent_span", "$parent_span", func(l *Line, s string) { l.Parent = s }},
	{"$sampled", "$sampled", func(l *Line, s string) { l.Sampled = s == "01" }},
	{"$own_request_id", "$own_request_id", func(l *Line, s string) { l.RequestID = s }},
	{"$head_address", "$upstream_addr", func(l *Line, s string) { l.Upstream = s }},
	{"$head_upstream", "$upstream_status", func(l *Line, s string) { l.UpstreamStatus = s }},
	{"$head_connect", "$upstream_connect_time", func(l *Line, s string) { l.Connect = times(s) }},
	{"$head_header", "$upstream_header_time", func(l *Line, s string) { l.Header = times(s) }},
	{"$release", "$release", func(l *Line, s string) { l.Release = s }},
	{"0", "$bytes_sent", func(l *Line, s string) { l.Bytes, _ = strconv.ParseInt(s, 10, 64) }},
	{"$connection_requests", "$connection_requests", func(l *Line, s string) { l.Requests, _ = strconv.Atoi(s) }},
	{"$connection_time", "$connection_time", func(l *Line, s string) { l.Age = seconds(s) }},
	{"$https", "$https", func(l *Line, s string) { l.Secure = s == "on" }},
}

// Format returns the format of a kind of lines, for nginx's log_format in
// single quotes.
func Format(k Kind) string {
	var all []string
	for _, f := range fields {
		if k == Head {
			all = append(all, f.head)
		} else {
			all = append(all, f.end)
		}
	}
	return strings.Join(all, `\t`)
}

// Parse reads a line without its line break. What is no line at all is not ok.
func Parse(text string) (l Line, ok bool) {
	for i, f := range fields {
		value, rest, more := strings.Cut(text, "\t")
		if more != (i < len(fields)-1) {
			return Line{}, false
		}
		if value == "-" {
			value = ""
		}
		f.set(&l, value)
		text = rest
	}
	return l, (l.Kind == Head || l.Kind == End) && !l.At.IsZero()
}

// moment reads $msec: seconds since 1970, with three decimals.
func moment(s string) time.Time {
	whole, part, ok := strings.Cut(s, ".")
	at, err := strconv.ParseInt(whole, 10, 64)
	ms, err2 := strconv.ParseInt(part, 10, 64)
	if !ok || err != nil || err2 != nil || len(part) != 3 {
		return time.Time{}
	}
	return time.Unix(at, ms*int64(time.Millisecond))
}

// seconds reads seconds with decimals.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e9 {
		return -1
	}
	return time.Duration(f * float64(time.Second))
}

func times(s string) (all Times) {
	for _, one := range Each(s) {
		all = append(all, seconds(one))
	}
	return all
}
