package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// contractVars are the values of {{name}}.
type contractVars map[string]string

var contractVar = regexp.MustCompile(`\{\{[a-z0-9:-]+\}\}`)

// expand puts in the values, each as the function writes it.
func (v contractVars) expand(s string, write func(string) string) (string, error) {
	var err error
	return contractVar.ReplaceAllStringFunc(s, func(name string) string {
		value, ok := v[strings.Trim(name, "{}")]
		if !ok {
			err = fmt.Errorf("%s has no value", name)
		}
		return write(value)
	}), err
}

func asIs(s string) string { return s }

// match checks a value of JSON against a pattern.
func (v contractVars) match(pattern, got any) error {
	switch p := pattern.(type) {
	case nil:
		if got != nil {
			return fmt.Errorf("%v is there", got)
		}
		return nil
	case string:
		return v.matchText(p, got)
	case map[string]any:
		if bounds, ok := p["range"].([]any); ok && len(p) == 1 {
			return inRange(bounds, got)
		}
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", got)
		}
		for _, name := range slices.Sorted(maps.Keys(p)) {
			if err := v.match(p[name], object[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	case []any:
		list, _ := got.([]any)
		if len(list) != len(p) {
			return fmt.Errorf("%v has %d elements, not %d", got, len(list), len(p))
		}
		for i := range p {
			if err := v.match(p[i], list[i]); err != nil {
				return fmt.Errorf("element %d: %w", i+1, err)
			}
		}
		return nil
	}
	if !reflect.DeepEqual(pattern, got) {
		return fmt.Errorf("%v, want %v", got, pattern)
	}
	return nil
}

func (v contractVars) matchText(pattern string, got any) error {
	text, ok := got.(string)
	if !ok {
		return fmt.Errorf("%v, want the text %s", got, pattern)
	}
	if len(pattern) < 2 || pattern[0] != '/' || pattern[len(pattern)-1] != '/' {
		want, err := v.expand(pattern, asIs)
		if err == nil && text != want {
			err = fmt.Errorf("%.300q, want %.300q", text, want)
		}
		return err
	}
	expression, err := v.expand(pattern[1:len(pattern)-1], regexp.QuoteMeta)
	if err != nil {
		return err
	}
	re, err := regexp.Compile(`(?s)^(?:` + expression + `)$`)
	if err != nil {
		return err
	}
	groups := re.FindStringSubmatch(text)
	if groups == nil {
		return fmt.Errorf("%.300q is not like %s", text, expression)
	}
	for i, name := range re.SubexpNames() {
		if name != "" {
			v[name] = groups[i]
		}
	}
	return nil
}

func inRange(bounds []any, got any) error {
	n, ok := got.(float64)
	if text, isText := got.(string); isText {
		var err error
		n, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	if !ok || n < bounds[0].(float64) || n > bounds[1].(float64) {
		return fmt.Errorf("%v is not within %v", got, bounds)
	}
	return nil
}

// contractText is a text in one piece or in parts.
type contractText []func(contractVars) (string, error)

// UnmarshalJSON reads a string or a list of parts.
func (t *contractText) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		raw = []byte("[" + string(raw) + "]")
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	*t = contractText{}
	for _, raw := range parts {
		var text string
		var made struct {
			Repeat, Base64 string
			Times          int
		}
		if json.Unmarshal(raw, &text) != nil {
			if err := json.Unmarshal(raw, &made); err != nil {
				return err
			}
			bytes, err := base64.StdEncoding.DecodeString(made.Base64)
			if err != nil {
				return err
			}
			text = string(bytes) + strings.Repeat(made.Repeat, made.Times)
		}
		*t = append(*t, func(v contractVars) (string, error) { return v.expand(text, asIs) })
	}
	return nil
}

func (t contractText) in(v contractVars) (string, error) {
	var b strings.Builder
	for _, part := range t {
		text, err := part(v)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
