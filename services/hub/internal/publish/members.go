package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// members visits the members of a JSON object in their order, the values as
// they are written. What is not exactly one object in valid JSON, with a name
// for each member and no name twice, is an error for the caller's eyes.
//
// encoding/json would take names in any case, the last of two that are the
// same, and an empty one; what a publisher means by those is a guess.
func members(object []byte, visit func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := make(map[string]struct{}, 8)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		text, _ := name.(string) // the decoder lets nothing else through
		if _, twice := seen[text]; twice || text == "" {
			return fmt.Errorf("a member has the name %q, which is empty or taken", brief(text))
		}
		seen[text] = struct{}{}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notJSON(err)
		}
		if err := visit(text, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return notJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows behind the JSON object")
	}
	return nil
}

func notJSON(err error) error { return fmt.Errorf("not valid JSON: %s", brief(err.Error())) }

// brief cuts what comes from a caller to a length that fits an answer.
func brief(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
