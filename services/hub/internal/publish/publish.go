package publish

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/figures"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// Options are what a [Publisher] is given. All are required.
type Options struct {
	Settings *settings.Settings
	Times    settings.Times
	Log      *eventlog.Log
	Front    *front.Front
	Classes  *figures.Classes
	Metrics  *observability.Metrics
	Tracing  *traces.Tracing
	Logger   *slog.Logger
}

// Publisher takes events into a log.
type Publisher struct {
	Options
	rate    *admission.Rate // nil: none
	breaker *admission.Breaker
}

// New returns a publisher.
func New(o Options) *Publisher {
	p := &Publisher{Options: o, rate: admission.NewRate(o.Settings.PublishRate, maxBatch)}
	p.breaker = p.newBreaker()
	return p
}

// Serve answers a publish. The headers say what the body is: one event, a
// batch, or a CloudEvent.
func (p *Publisher) Serve(c *gin.Context) {
	buf := p.Front.Bodies.Buffer()
	defer p.Front.Bodies.Release(buf)
	w, r, topic := c.Writer, c.Request, c.Param("topic")
	form := formOf(r.Header)
	why := checkPublish(r, topic, form)
	subject := ""
	if why == nil {
		subject, why = p.admitPublish(r, topic, form)
	}
	switch {
	case why != nil:
	case form.batch():
		why = p.publishBatch(w, r, topic, subject, form, buf)
	default:
		why = p.publishOne(w, r, topic, subject, form, buf)
	}
	if why != nil {
		p.countRefusal(topic, why)
		front.Reject(w, r, why)
	}
}

// publishOne publishes a body that is one event, and answers.
func (p *Publisher) publishOne(w http.ResponseWriter, r *http.Request, topic, subject string, form form, buf *front.Buffer) *sse.Rejection {
	e, why := p.readOne(w, r, form, buf)
	if why != nil {
		return why
	}
	ctx, cancel, span := p.appending(r)
	defer cancel()
	asked := time.Now()
	receipt, err := p.append(ctx, topic, e.entry(subject, span.Traceparent()))
	p.appended(r, span, topic, appended{receipt, len(e.data), 0, asked, err})
	if err != nil {
		why := front.RejectionOf(err)
		if why.Status >= 500 {
			p.logFailure(r, topic, why.Status, err)
		}
		return why
	}
	p.countReceipt(topic, receipt, len(e.data))
	status := http.StatusCreated
	if receipt.Duplicate {
		status = http.StatusOK
	}
	buf.Answer = appendReceipt(buf.Answer[:0], topic, receipt)
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(buf.Answer))}
	w.WriteHeader(status)
	// A caller that is gone has its event in the log all the same.
	_, _ = w.Write(buf.Answer)
	return nil
}

// readOne reads and checks a body that is one event.
func (p *Publisher) readOne(w http.ResponseWriter, r *http.Request, form form, buf *front.Buffer) (incoming, *sse.Rejection) {
	given, why := parametersOf(r)
	if why == nil {
		why = given.check(form)
	}
	if why != nil {
		return incoming{}, why
	}
	bound := p.eventBound()
	if form == cloudForm {
		bound = p.cloudBound()
	}
	if why := p.Front.Bodies.Read(w, r, buf, bound); why != nil {
		return incoming{}, why
	}
	var e incoming
	switch form {
	case cloudForm:
		e, why = structuredEvent(buf.Data)
	case cloudBinaryForm:
		e, why = binaryEvent(r.Header, buf.Data)
	default:
		e = given.event(buf.Data)
	}
	if why == nil {
		why = p.check(&e)
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
		return front.InvalidTopic()
	case strings.HasPrefix(topic, sse.OwnPrefix):
		return &sse.Rejection{Status: 400, Type: "reserved-topic", Title: "Reserved topic",
			Detail: "topics that start with hub. are the hub's own"}
	}
	return nil
}

func (p *Publisher) countReceipt(topic string, receipt eventlog.Receipt, bytes int) {
	class := p.Classes.Of(topic)
	if receipt.Duplicate {
		p.Metrics.Published(observability.Duplicate, class.Name)
		return
	}
	p.Metrics.Published(observability.Accepted, class.Name)
	p.Metrics.Size(bytes)
	class.Published.Add(1)
}

// countRefusal counts a publish that was not accepted, by whose fault it is.
func (p *Publisher) countRefusal(topic string, why *sse.Rejection) {
	if why.Status == http.StatusTooManyRequests {
		p.Metrics.Rejected(why.Type)
	}
	p.Metrics.Published(outcomeOf(why), p.Classes.Of(topic).Name)
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
