package publish

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cloudhttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/sluice-stream/sluice/services/sse"
)

func invalidCloudEvent(err error) *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-cloudevent", Title: "Invalid CloudEvent", Detail: brief(err.Error())}
}

func wrongVersion(version string) error {
	return fmt.Errorf("specversion must be 1.0, not %q", version)
}

// cloudEventsOf reads a batch, which is a JSON array. Where that is broken,
// nothing in it can be told apart.
func cloudEventsOf(body []byte) (batch, *sse.Rejection) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, invalidCloudEvent(errors.New("a batch is a JSON array of CloudEvents"))
	}
	var b batch
	for d.More() {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return nil, invalidCloudEvent(notJSON(err))
		}
		if len(b) == maxBatch {
			return nil, tooMany()
		}
		e, why := structuredEvent(one)
		b = append(b, offer{event: e, why: why})
	}
	if _, err := d.Token(); err != nil {
		return nil, invalidCloudEvent(notJSON(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalidCloudEvent(errors.New("more follows behind the batch"))
	}
	return b, nil
}

// structuredEvent reads one CloudEvent of the JSON format.
//
// The SDK reads and checks the attributes. The data it would take from its
// reader in forms that are not the format's: JSON only under some of the media
// types that mean JSON, and with the white space in front.
func structuredEvent(object []byte) (incoming, *sse.Rejection) {
	if !utf8.Valid(object) {
		return incoming{}, invalidCloudEvent(errors.New("not UTF-8 text"))
	}
	attributes, data, err := splitEvent(object)
	if err != nil {
		return incoming{}, invalidCloudEvent(err)
	}
	var e event.Event
	if err := e.UnmarshalJSON(attributes); err != nil {
		return incoming{}, invalidCloudEvent(onOneLine(err))
	}
	return cloudEvent(&e, data)
}

// payload is the data of a structured event as it is written; empty members
// are not there.
type payload struct{ data, base64 json.RawMessage }

// splitEvent takes a structured event apart. The attributes come back as an
// object with the version first, without those that are null and so not set.
func splitEvent(object []byte) (attributes []byte, data payload, err error) {
	var version json.RawMessage
	var rest bytes.Buffer
	err = members(object, func(name string, value json.RawMessage) error {
		switch {
		case name == "data":
			data.data = value
		case string(value) == "null":
		case name == "data_base64":
			data.base64 = value
		case value[0] != '"' && slices.Contains(stringAttributes, name):
			return fmt.Errorf("%s must be a string", name)
		case halfPair(value):
			return fmt.Errorf("%s: %w", name, errHalfPair)
		case name == "specversion":
			version = value
		default:
			quoted, err := json.Marshal(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&rest, ",%s:%s", quoted, value)
		}
		return nil
	})
	switch {
	case err != nil:
	case version == nil:
		err = errors.New("specversion is missing")
	case data.data != nil && data.base64 != nil:
		err = errors.New("an event has data or data_base64, not both")
	}
	return fmt.Appendf(nil, `{"specversion":%s%s}`, version, rest.Bytes()), data, err
}

var stringAttributes = []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}

// bytes returns the data itself: the JSON format of CloudEvents, section 3.1.
func (p payload) bytes(contentType string) ([]byte, error) {
	switch {
	case p.base64 != nil:
		var text string
		if json.Unmarshal(p.base64, &text) != nil {
			return nil, errors.New("data_base64 must be a string")
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("data_base64: %w", err)
		}
		return data, nil
	case p.data == nil, isJSON(contentType):
		return p.data, nil
	case p.data[0] != '"':
		return nil, fmt.Errorf("data must be a string, because datacontenttype is %s", contentType)
	}
	return textOrJSON(p.data)
}

// isJSON follows section 3.1 of the format: an event without a content type
// has JSON, and so has one whose subtype is json or ends with +json.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	_, subtype, _ := strings.Cut(media, "/")
	return media == "" || subtype == "json" || strings.HasSuffix(subtype, "+json")
}

// binaryEvent reads a CloudEvent whose attributes are headers.
func binaryEvent(header http.Header, data []byte) (incoming, *sse.Rejection) {
	attributes, err := cloudHeader(header)
	if err != nil {
		return incoming{}, invalidCloudEvent(err)
	}
	e, err := binding.ToEvent(context.Background(), cloudhttp.NewMessage(attributes, http.NoBody))
	if err != nil {
		return incoming{}, invalidCloudEvent(onOneLine(err))
	}
	in, why := cloudEvent(e, payload{})
	in.data = data
	return in, why
}

// cloudEvent checks an event and maps it to ours.
func cloudEvent(e *event.Event, p payload) (incoming, *sse.Rejection) {
	if v := e.SpecVersion(); v != event.CloudEventsVersionV1 {
		return incoming{}, invalidCloudEvent(wrongVersion(v))
	}
	if err := e.Validate(); err != nil {
		return incoming{}, invalidCloudEvent(onOneLine(err))
	}
	data, err := p.bytes(e.DataContentType())
	if err != nil {
		return incoming{}, invalidCloudEvent(err)
	}
	return incoming{typ: e.Type(), key: e.Subject(), data: data, once: []string{"cloudevent", e.Source(), e.ID()}}, nil
}

// onOneLine writes the SDK's errors on one line, the same ones in the same order.
func onOneLine(err error) error {
	var invalid event.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(invalid)) {
		all = append(all, name+": "+invalid[name].Error())
	}
	return errors.New(strings.Join(all, "; "))
}
