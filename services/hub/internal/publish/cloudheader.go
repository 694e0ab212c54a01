package publish

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
)

// cloudHeader returns the headers of a binary CloudEvent with their values
// decoded, for the SDK, which takes them as they come.
func cloudHeader(header http.Header) (http.Header, error) {
	decoded := http.Header{}
	if media := header.Get("Content-Type"); media != "" {
		decoded.Set("Content-Type", media)
	}
	for name, values := range header {
		attribute, ok := strings.CutPrefix(name, "Ce-")
		switch {
		case !ok:
			continue
		case attribute == "":
			return nil, errors.New("the header ce- names no attribute")
		case len(values) > 1:
			return nil, fmt.Errorf("%s is given twice", strings.ToLower(name))
		}
		value := percentDecoded(unquoted(values[0]))
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("%s is not UTF-8 text", strings.ToLower(name))
		}
		decoded[name] = []string{value}
	}
	switch decoded.Get("Ce-Specversion") {
	case event.CloudEventsVersionV1:
		return decoded, nil
	case "":
		return nil, errors.New("ce-specversion is missing")
	}
	return nil, wrongVersion(decoded.Get("Ce-Specversion"))
}

// unquoted undoes the quotes and backslashes of RFC 7230, section 3.2.6, as
// the HTTP binding of CloudEvents asks in section 3.1.3.2.
func unquoted(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	for s = s[1 : len(s)-1]; s != ""; s = s[1:] {
		if s[0] == '\\' && len(s) > 1 {
			s = s[1:]
		}
		b.WriteByte(s[0])
	}
	return b.String()
}

// percentDecoded decodes once, as the same section asks. A percent sign that
// begins no escape stands for itself: some senders encode nothing.
func percentDecoded(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
