package app

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// publish answers POST /v1/topics/:topic/events. The headers say what the body
// is: one event, a batch, or a CloudEvent.
func (h *hub) publish(c *gin.Context) {
	buf := buffers.Get().(*buffer)
	defer buf.release(h.bodies)
	w, r, topic := c.Writer, c.Request, c.Param("topic")
	form := formOf(r.Header)
	why := checkPublish(r, topic, form)
	subject := ""
	if why == nil {
		subject, why = h.admitPublish(r, topic, form)
	}
	switch {
	case why != nil:
	case form.batch():
		why = h.publishBatch(w, r, topic, subject, form, buf)
	default:
		why = h.publishOne(w, r, topic, subject, form, buf)
	}
	if why != nil {
		h.countRefusal(topic, why)
		reject(w, r, why)
	}
}

// publishOne publishes a body that is one event, and answers.
func (h *hub) publishOne(w http.ResponseWriter, r *http.Request, topic, subject string, form form, buf *buffer) *sse.Rejection {
	e, why := h.readOne(w, r, form, buf)
	if why != nil {
		return why
	}
	ctx, cancel, span := h.appending(r)
	defer cancel()
	buf.body = wire.AppendBody(buf.body[:0], e.body(span.Traceparent()))
	receipt, err := h.append(ctx, topic, eventlog.Entry{Body: buf.body, Idempotency: e.idempotency(subject)})
	h.appended(r, span, topic, appended{receipt, len(e.data), 0, err})
	if err != nil {
		why := rejectionOf(err)
		if why.Status >= 500 {
			h.logFailure(r, topic, why.Status, err)
		}
		return why
	}
	h.countReceipt(topic, receipt, len(e.data))
	status := http.StatusCreated
	if receipt.Duplicate {
		status = http.StatusOK
	}
	buf.answer = appendReceipt(buf.answer[:0], topic, receipt)
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(buf.answer))}
	w.WriteHeader(status)
	// A caller that is gone has its event in the log all the same.
	_, _ = w.Write(buf.answer)
	return nil
}

// readOne reads and checks a body that is one event.
func (h *hub) readOne(w http.ResponseWriter, r *http.Request, form form, buf *buffer) (incoming, *sse.Rejection) {
	p, why := parametersOf(r)
	if why == nil {
		why = p.check(form)
	}
	if why != nil {
		return incoming{}, why
	}
	bound := h.eventBound()
	if form == cloudForm {
		bound = h.cloudBound()
	}
	if why := h.readBody(w, r, buf, bound); why != nil {
		return incoming{}, why
	}
	var e incoming
	switch form {
	case cloudForm:
		e, why = structuredEvent(buf.data)
	case cloudBinaryForm:
		e, why = binaryEvent(r.Header, buf.data)
	default:
		e = p.event(buf.data)
	}
	if why == nil {
		why = h.check(&e)
	}
	return e, why
}

var jsonType = []string{"application/json"}

// appendReceipt appends the answer to a publish. A topic's name needs no
// escaping.
func appendReceipt(dst []byte, topic string, receipt eventlog.Receipt) []byte {
	dst = append(dst, `{"topic":"`...)
	dst = append(dst, topic...)
	dst = append(dst, `","id":"`...)
	dst = receipt.ID.AppendTo(dst)
	if receipt.Duplicate {
		return append(dst, "\",\"duplicate\":true}\n"...)
	}
	return append(dst, "\"}\n"...)
}

// checkPublish checks what can be said before anything else is read.
func checkPublish(r *http.Request, topic string, form form) *sse.Rejection {
	if why := checkTopic(topic); why != nil {
		return why
	}
	for _, e := range r.Header["Content-Encoding"] {
		if e != "" && !strings.EqualFold(e, "identity") {
			return &sse.Rejection{Status: 415, Type: "unsupported-content-encoding",
				Title: "Unsupported content encoding", Detail: "send the data as it is, without a Content-Encoding"}
		}
	}
	if form == unknownCloudForm {
		return &sse.Rejection{Status: 415, Type: "unsupported-media-type", Title: "Unsupported media type",
			Detail: "of the formats of CloudEvents only JSON is taken: " + cloudType + " and " + cloudBatchType}
	}
	return nil
}

func checkTopic(topic string) *sse.Rejection {
	switch {
	case !wire.ValidTopic(topic):
		return invalidTopic()
	case strings.HasPrefix(topic, sse.OwnPrefix):
		return &sse.Rejection{Status: 400, Type: "reserved-topic", Title: "Reserved topic",
			Detail: "topics that start with hub. are the hub's own"}
	}
	return nil
}

func invalidTopic() *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-topic", Title: "Invalid topic",
		Detail: "a topic is 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot"}
}

func (h *hub) countReceipt(topic string, receipt eventlog.Receipt, bytes int) {
	class := h.classes.of(topic)
	if receipt.Duplicate {
		h.metrics.Published(observability.Duplicate, class.name)
		return
	}
	h.metrics.Published(observability.Accepted, class.name)
	h.metrics.Size(bytes)
	class.count.Add(1)
}

// countRefusal counts a publish that was not accepted, by whose fault it is.
func (h *hub) countRefusal(topic string, why *sse.Rejection) {
	if why.Status == http.StatusTooManyRequests {
		h.metrics.Rejected(why.Type)
	}
	h.metrics.Published(outcomeOf(why), h.classes.of(topic).name)
}

func outcomeOf(why *sse.Rejection) observability.Outcome {
	switch {
	case why.Status >= 500:
		return observability.Failed
	case why.Status == http.StatusTooManyRequests:
		return observability.Refused
	}
	return observability.Invalid
}
