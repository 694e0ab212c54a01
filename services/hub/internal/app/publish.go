package app

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// publish answers POST /v1/topics/:topic/events: the body is one event.
func (h *hub) publish(c *gin.Context) {
	buf := buffers.Get().(*buffer)
	defer buf.release()
	topic := c.Param("topic")
	id, why := h.publishBody(c.Writer, c.Request, topic, buf)
	if why != nil {
		h.countRefusal(why)
		reject(c.Writer, c.Request, why)
		return
	}
	h.metrics.Accepted.Inc()
	buf.answer = appendAccepted(buf.answer[:0], topic, id)
	header := c.Writer.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(buf.answer))}
	c.Writer.WriteHeader(http.StatusCreated)
	// A caller that is gone has its event in the log all the same.
	_, _ = c.Writer.Write(buf.answer)
}

var jsonType = []string{"application/json"}

// appendAccepted appends the answer to a publish. A topic's name needs no
// escaping.
func appendAccepted(dst []byte, topic string, id eventlog.ID) []byte {
	dst = append(dst, `{"topic":"`...)
	dst = append(dst, topic...)
	dst = append(dst, `","id":"`...)
	dst = id.AppendTo(dst)
	return append(dst, "\"}\n"...)
}

// publishBody checks a publish and appends it to the log.
func (h *hub) publishBody(w http.ResponseWriter, r *http.Request, topic string, buf *buffer) (eventlog.ID, *sse.Rejection) {
	if why := checkTopic(topic); why != nil {
		return eventlog.ID{}, why
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return eventlog.ID{}, &sse.Rejection{Status: 415, Type: "unsupported-content-encoding",
			Title: "Unsupported content encoding", Detail: "send the data as it is, without a Content-Encoding"}
	}
	typ, why := eventType(r)
	if why != nil {
		return eventlog.ID{}, why
	}
	if why := h.readBody(w, r, buf); why != nil {
		return eventlog.ID{}, why
	}
	if !utf8.Valid(buf.data) {
		return eventlog.ID{}, &sse.Rejection{Status: 400, Type: "invalid-utf8",
			Title: "Data is not UTF-8", Detail: "the body must be UTF-8 text"}
	}
	buf.body = sse.AppendBody(buf.body[:0], typ, buf.data, traceOf(r).sampled)
	// The append goes on when the caller hangs up: it may be committed already.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.times.append)
	defer cancel()
	id, err := h.events.Append(ctx, topic, eventlog.Entry{Body: buf.body})
	if err != nil {
		why := rejectionOf(err)
		if why.Status >= 500 {
			h.logFailure(r, topic, why.Status, err)
		}
		return eventlog.ID{}, why
	}
	return id, nil
}

func checkTopic(topic string) *sse.Rejection {
	switch {
	case !eventlog.ValidTopic(topic):
		return &sse.Rejection{Status: 400, Type: "invalid-topic", Title: "Invalid topic",
			Detail: "a topic is 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot"}
	case strings.HasPrefix(topic, "hub."):
		return &sse.Rejection{Status: 400, Type: "reserved-topic", Title: "Reserved topic",
			Detail: "topics that start with hub. are the hub's own"}
	}
	return nil
}

// eventType returns the type that the query or else the header gives.
func eventType(r *http.Request) (string, *sse.Rejection) {
	typ := ""
	if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return "", &sse.Rejection{Status: 400, Type: "invalid-query", Title: "Invalid query",
				Detail: "the query string is malformed"}
		}
		typ = query.Get("type")
	}
	if typ == "" {
		typ = r.Header.Get("X-Event-Type")
	}
	if typ != "" && !sse.ValidType(typ) {
		return "", &sse.Rejection{Status: 400, Type: "invalid-type", Title: "Invalid event type",
			Detail: "a type is 1 to 128 printable characters, and not open, error or one that starts with stream."}
	}
	return typ, nil
}

// countRefusal counts a publish that was not accepted, by whose fault it is.
func (h *hub) countRefusal(why *sse.Rejection) {
	switch {
	case why.Status >= 500:
		h.metrics.Failed.Inc()
	case why.Status == http.StatusTooManyRequests:
		h.metrics.Refused.Inc()
	default:
		h.metrics.Invalid.Inc()
	}
}
