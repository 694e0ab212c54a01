package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/sluice-stream/sluice/services/sse"
)

// linesOf reads a batch of application/x-ndjson: a JSON object on each line
// that is not blank. Lines are counted without the blank ones, from 1. With an
// idempotency key of the batch, line n that has none of its own gets the key
// "<key>/<n>", which may then be longer than keys otherwise are.
func (p *Publisher) linesOf(body []byte, idempotencyKey string) (batch, *sse.Rejection) {
	var b batch
	for line := range bytes.Lines(body) {
		if line = bytes.Trim(line, " \t\r\n"); len(line) == 0 {
			continue
		}
		if len(b) == maxBatch {
			return nil, tooMany()
		}
		e, why := lineEvent(line)
		if why == nil && e.once == nil && idempotencyKey != "" {
			e.once = named(idempotencyKey + "/" + strconv.Itoa(len(b)+1))
		}
		b = append(b, offer{event: e, why: why})
	}
	return b, nil
}

// lineEvent reads {"type","key","idempotency_key","data"}. Only data must be
// there; null and "" stand for no type and no key. A string is taken as its
// text, and any other data as its JSON, as it is written. A member of another name is
// refused: it is more likely misspelt than meant to be ignored.
func lineEvent(line []byte) (incoming, *sse.Rejection) {
	var e incoming
	var why *sse.Rejection
	if !utf8.Valid(line) {
		return e, &sse.Rejection{Status: 400, Type: "invalid-utf8", Detail: "the line must be UTF-8 text"}
	}
	err := members(line, func(name string, value json.RawMessage) (err error) {
		switch name {
		case "type":
			e.typ, err = optional(name, value)
		case "key":
			e.key, err = optional(name, value)
		case "idempotency_key":
			var key string
			if key, err = optional(name, value); err == nil && string(value) != "null" {
				e.once, why = named(key), checkIdempotencyKey(key)
			}
		case "data":
			e.data, err = textOrJSON(value)
		default:
			err = fmt.Errorf("unknown member %q: a line has type, key, idempotency_key and data", brief(name))
		}
		return err
	})
	if err == nil && e.data == nil {
		err = errors.New("the line has no data")
	}
	if err != nil {
		return e, &sse.Rejection{Status: 400, Type: "invalid-line", Detail: err.Error()}
	}
	return e, why
}

// optional reads a string or null.
func optional(name string, value json.RawMessage) (string, error) {
	if halfPair(value) {
		return "", fmt.Errorf("%s: %w", name, errHalfPair)
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return "", fmt.Errorf("%s must be a string", name)
	}
	return text, nil
}

// textOrJSON returns the text of a string, else the JSON itself. It is not
// nil.
func textOrJSON(value json.RawMessage) ([]byte, error) {
	if value[0] != '"' {
		return value, nil
	}
	if halfPair(value) {
		return nil, fmt.Errorf("data: %w", errHalfPair)
	}
	var text string
	err := json.Unmarshal(value, &text)
	return append([]byte{}, text...), err
}
