package nginx

import (
	"bytes"
	"regexp"
	"strings"
)

// Fault is what an error of nginx means for those who run it.
type Fault string

// The faults.
const (
	FaultConnections Fault = "connections" // worker_connections are used up
	FaultFiles       Fault = "files"       // too many open files
	FaultPorts       Fault = "ports"       // no local port is left for the hub
	FaultOther       Fault = "other"
)

// Faults are all of them.
var Faults = []Fault{FaultConnections, FaultFiles, FaultPorts, FaultOther}

// Message is a line of the error log.
type Message struct {
	Level  string // debug, info, notice, warn, error, crit, alert, emerg
	Text   string // without all that clients sent
	Client string // address, where it is about one
}

var (
	errorLine = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)$`)
	client    = regexp.MustCompile(`, client: ([0-9A-Fa-f.:]+)`)
	quoted    = regexp.MustCompile(`"[^"]*"?`)
)

// ParseError reads a line of the error log. What it says of a request, the whole
// address with tokens in its query too, is cut off; so is whatever is in quotes,
// since it may come from a client.
func ParseError(line []byte) Message {
	m := errorLine.FindSubmatch(line)
	if m == nil {
		return Message{Level: "error", Text: outside(line)}
	}
	told := Message{Level: string(m[1])}
	text, _, request := bytes.Cut(m[2], []byte(", client: "))
	if c := client.FindSubmatch(m[2]); request && c != nil {
		told.Client = string(c[1])
	}
	told.Text = quoted.ReplaceAllString(string(text), `"…"`)
	if !request { // about no request: files, settings, sockets
		told.Text = string(text)
	}
	return told
}

// outside returns a line that is not of the log: nginx writes such before it has
// one, and about its configuration.
func outside(line []byte) string {
	const most = 1000
	return strings.ToValidUTF8(string(line[:min(len(line), most)]), "")
}

// Fault tells what a message means; nothing where a hub is at fault, which the
// lines of requests tell.
func (m Message) Fault() Fault {
	switch {
	case strings.Contains(m.Text, "worker_connections are not enough"), strings.Contains(m.Text, "reusing connections"):
		return FaultConnections
	case strings.Contains(m.Text, "Too many open files"):
		return FaultFiles
	case strings.Contains(m.Text, "Cannot assign requested address"):
		return FaultPorts
	case strings.Contains(m.Text, "upstream"):
		return ""
	}
	return FaultOther
}

// Crashed reports whether a worker has ended as it should not.
func (m Message) Crashed() bool {
	return strings.HasPrefix(m.Text, "worker process ") && strings.Contains(m.Text, " exited on signal ")
}
