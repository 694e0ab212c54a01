package publish

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-stream/sluice/services/sse"
)

// form is how a publish carries its events.
type form int

// The forms.
const (
	plainForm        form = iota // the body is the data of one event
	batchForm                    // a line of JSON for each event
	cloudForm                    // one CloudEvent, structured mode
	cloudBatchForm               // CloudEvents, batched mode
	cloudBinaryForm              // one CloudEvent, binary mode
	unknownCloudForm             // CloudEvents in a format that is not JSON
)

// batch reports whether a body has several events.
func (f form) batch() bool { return f == batchForm || f == cloudBatchForm }

const (
	linesType      = "application/x-ndjson"
	cloudType      = "application/cloudevents+json"
	cloudBatchType = "application/cloudevents-batch+json"
	cloudPrefix    = "application/cloudevents"
)

// formOf tells the form from the headers as the HTTP binding of CloudEvents
// 1.0 has it, section 3: by the media type, then by the attributes among the
// headers. Any one of the required attributes makes a CloudEvent, so that an
// event that lacks another is refused and not taken for its bare data.
func formOf(header http.Header) form {
	media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	media = strings.TrimSpace(media)
	switch {
	case strings.EqualFold(media, cloudType):
		return cloudForm
	case strings.EqualFold(media, cloudBatchType):
		return cloudBatchForm
	case len(media) >= len(cloudPrefix) && strings.EqualFold(media[:len(cloudPrefix)], cloudPrefix):
		return unknownCloudForm
	case header["Ce-Specversion"] != nil, header["Ce-Id"] != nil, header["Ce-Source"] != nil, header["Ce-Type"] != nil:
		return cloudBinaryForm
	case strings.EqualFold(media, linesType):
		return batchForm
	}
	return plainForm
}

// parameters are what a request says of its event beside the body. Empty ones
// were not given.
type parameters struct {
	typ, key, idempotencyKey string
}

// parametersOf reads the parameters. The query wins over the headers. One that
// is given twice in the same place is refused: whichever of the two counted
// would surprise somebody.
func parametersOf(r *http.Request) (p parameters, why *sse.Rejection) {
	var query url.Values
	if r.URL.RawQuery != "" {
		var err error
		if query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return p, &sse.Rejection{Status: 400, Type: "invalid-query", Title: "Invalid query",
				Detail: "the query string is malformed"}
		}
	}
	var once bool
	if p.typ, once = parameter(query["type"], r.Header["X-Event-Type"]); !once {
		return p, invalidType("the type is given twice")
	}
	if p.key, once = parameter(query["key"], r.Header["X-Event-Key"]); !once {
		return p, invalidKey("the key is given twice")
	}
	switch keys := r.Header["Idempotency-Key"]; len(keys) {
	case 0:
		return p, nil
	case 1:
		p.idempotencyKey = keys[0]
		return p, checkIdempotencyKey(keys[0])
	}
	return p, invalidIdempotencyKey("the idempotency key is given twice")
}

func parameter(query, header []string) (value string, once bool) {
	if len(query) == 1 && query[0] == "" {
		query = nil
	}
	switch {
	case len(query) > 1, len(query) == 0 && len(header) > 1:
		return "", false
	case len(query) == 1:
		return query[0], true
	case len(header) == 1:
		return header[0], true
	}
	return "", true
}

// check checks the parameters of a publish of some form: only a plain one has
// its type and key beside the body, and a CloudEvent is its own idempotency
// key.
func (p *parameters) check(form form) *sse.Rejection {
	if form == plainForm {
		return checkNames(p.typ, p.key)
	}
	switch {
	case p.typ != "":
		return unexpectedParameter("a type in the query or in X-Event-Type is for single events: here each event has its own")
	case p.key != "":
		return unexpectedParameter("a key in the query or in X-Event-Key is for single events: here each event has its own")
	case p.idempotencyKey != "" && form != batchForm:
		return unexpectedParameter("a CloudEvent is told from others by its source and id: leave out Idempotency-Key")
	}
	return nil
}

func unexpectedParameter(detail string) *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "unexpected-parameter", Title: "Unexpected parameter", Detail: detail}
}

// event returns the event of a plain publish.
func (p *parameters) event(data []byte) incoming {
	e := incoming{typ: p.typ, key: p.key, data: data}
	if p.idempotencyKey != "" {
		e.once = named(p.idempotencyKey)
	}
	return e
}
