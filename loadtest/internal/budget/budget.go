// Package budget limits the figures of a load test.
package budget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
)

// Limits are by the names of figures.
type Limits map[string]Limit

// Limit is what a figure may be.
type Limit struct {
	Min *float64 `json:"min"`
	Max *float64 `json:"max"`
}

// Read reads a file like {"delivery_p99_ms": {"max": 50}, "lost": {"max": 0}}.
func Read(path string) (Limits, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--budget: %w", err)
	}
	var l Limits
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("--budget: %s: %w: write it like {\"delivery_p99_ms\": {\"max\": 50}}", path, err)
	}
	for name, limit := range l {
		if limit.Min == nil && limit.Max == nil {
			return nil, fmt.Errorf("--budget: %s: %s has neither a min nor a max", path, name)
		}
	}
	return l, nil
}

// Exceeded says which limits do not hold. A figure that is not there holds none.
func (l Limits) Exceeded(figures map[string]float64) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		limit := l[name]
		value, known := figures[name]
		switch {
		case !known:
			all = append(all, fmt.Sprintf("the budget limits %s, which this run does not have", name))
		case limit.Max != nil && !(value <= *limit.Max):
			all = append(all, fmt.Sprintf("%s is %s, and may be %s at most", name, text(value), text(*limit.Max)))
		case limit.Min != nil && !(value >= *limit.Min):
			all = append(all, fmt.Sprintf("%s is %s, and must be %s at least", name, text(value), text(*limit.Min)))
		}
	}
	return all
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
