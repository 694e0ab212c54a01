package target

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

// Paths say how a server is asked: those of a hub, or of another server that is
// measured beside it.
type Paths struct {
	// Subscribe is the path and query of a stream: {topic} stands for its topic,
	// and {topics} for topic=a&topic=b of all of them.
	Subscribe string
	// Publish is the path and query of a publish of {topic}.
	Publish string
	// Body is what a publish sends: {data} stands for the event, {json} for the
	// same inside of a JSON text, {form} in a form, {base64}; empty: the event.
	Body string
	// Header are more fields of a publish's head, as "Name: value".
	Header []string
}

// HubPaths are those of a hub.
func HubPaths() Paths {
	return Paths{Subscribe: "/v1/events?{topics}", Publish: "/v1/topics/{topic}/events"}
}

// Validate checks that the paths say what they must.
func (p *Paths) Validate() error {
	if !strings.HasPrefix(p.Subscribe, "/") || !strings.HasPrefix(p.Publish, "/") {
		return fmt.Errorf("--subscribe-path %q and --publish-path %q must begin with /", p.Subscribe, p.Publish)
	}
	for _, h := range p.Header {
		if name, value, ok := strings.Cut(h, ":"); !ok || name == "" || strings.ContainsAny(name, " \r\n") || strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("--publish-header %q: write it like Name: value", h)
		}
	}
	return nil
}

// Stream returns the path of a stream of topics.
func (p *Paths) Stream(topics []string) string {
	all := make([]string, len(topics))
	for i, t := range topics {
		all[i] = "topic=" + url.QueryEscape(t)
	}
	first := ""
	if len(topics) > 0 {
		first = url.QueryEscape(topics[0])
	}
	return strings.NewReplacer("{topics}", strings.Join(all, "&"), "{topic}", first).Replace(p.Subscribe)
}

// To returns the path of a publish to a topic.
func (p *Paths) To(topic string) string {
	return strings.ReplaceAll(p.Publish, "{topic}", url.PathEscape(topic))
}

// Wrap returns what makes a publish's body of an event; nil: it is the event.
func (p *Paths) Wrap() func(topic string, data []byte) []byte {
	if p.Body == "" {
		return nil
	}
	return func(topic string, data []byte) []byte {
		text := string(bytes.ReplaceAll(data, []byte(`"`), []byte(`\"`)))
		return []byte(strings.NewReplacer("{topic}", topic, "{data}", string(data), "{json}", text,
			"{form}", url.QueryEscape(string(data)), "{base64}", base64.StdEncoding.EncodeToString(data)).Replace(p.Body))
	}
}

// Fields returns the further fields of a publish's head, with a line end before
// each.
func (p *Paths) Fields() string {
	text := ""
	for _, h := range p.Header {
		text += "\r\n" + h
	}
	return text
}
