package traces

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// environment reads variables.
type environment func(string) string

// get returns the first of some variables that is set. Spaces around values
// are not theirs, and empty is as good as not set, says the specification.
func (e environment) get(names ...string) string {
	_, value := e.first(names...)
	return value
}

// first returns a variable with its name.
func (e environment) first(names ...string) (name, value string) {
	for _, name := range names {
		if v := strings.TrimSpace(e(name)); v != "" {
			return name, v
		}
	}
	return "", ""
}

// number returns a variable that is a number from 1, or otherwise.
func (e environment) number(name string, otherwise int) (int, error) {
	text := e.get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%s is %q: set it to a whole number from 1", name, text)
	}
	return n, nil
}

// milliseconds returns the first of some variables that is set, which is a
// number of milliseconds from 1.
func (e environment) milliseconds(otherwise time.Duration, names ...string) (time.Duration, error) {
	name, value := e.first(names...)
	if value == "" {
		return otherwise, nil
	}
	n, err := e.number(name, 0)
	return time.Duration(n) * time.Millisecond, err
}

// pairs returns a variable that is a list of name=value, with values escaped
// as in URLs.
func (e environment) pairs(names ...string) ([][2]string, error) {
	name, text := e.first(names...)
	if text == "" {
		return nil, nil
	}
	var all [][2]string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		k, v, found := strings.Cut(part, "=")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		value, err := url.PathUnescape(v)
		if !found || k == "" || err != nil {
			// The part is not quoted: a header may be a secret.
			return nil, fmt.Errorf("%s: part %d of the list is not name=value with the value escaped as in a URL", name, len(all)+1)
		}
		all = append(all, [2]string{k, value})
	}
	return all, nil
}

// attributes returns what OTEL_RESOURCE_ATTRIBUTES says.
func (e environment) attributes() ([]attribute.KeyValue, error) {
	pairs, err := e.pairs("OTEL_RESOURCE_ATTRIBUTES")
	if err != nil {
		return nil, err
	}
	all := make([]attribute.KeyValue, 0, len(pairs))
	for _, p := range pairs {
		key, err := url.PathUnescape(p[0])
		if err != nil {
			return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: the name %q is not escaped as in a URL", p[0])
		}
		all = append(all, attribute.String(clean(key), clean(p[1])))
	}
	return all, nil
}
