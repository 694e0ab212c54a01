package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// series is one of an answer.
type series struct {
	labels map[string]string
	values []float64
}

// ask sends a request to an API and reads its JSON.
func ask(address string, query url.Values, into any) error {
	answer, err := http.Get(address + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %.500s", answer.Status, text)
	}
	return json.Unmarshal(text, into)
}

// span is the time from the stack's start until now, as APIs want it.
func (s *stack) span() url.Values {
	stamp := func(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64) }
	return url.Values{"start": {stamp(s.began)}, "end": {stamp(time.Now())}}
}

// measure runs a query for each 5 s since the start, or for now only.
func (s *stack) measure(expr string, instant bool) ([]series, error) {
	query, path := s.span(), "/api/v1/query_range"
	query.Set("query", expr)
	query.Set("step", "5")
	if instant {
		path = "/api/v1/query"
		query = url.Values{"query": {expr}}
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := ask(s.prometheus+path, query, &answer); err != nil {
		return nil, err
	}
	var all []series
	for _, r := range answer.Data.Result {
		if instant {
			r.Values = [][2]any{r.Value}
		}
		one := series{labels: r.Metric}
		for _, v := range r.Values {
			n, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
			if err != nil {
				return nil, err
			}
			if !math.IsNaN(n) && !math.IsInf(n, 0) {
				one.values = append(one.values, n)
			}
		}
		if len(one.values) > 0 {
			all = append(all, one)
		}
	}
	return all, nil
}

// traces returns how many observations of a query have a trace to look at.
func (s *stack) traces(expr string) (int, error) {
	query := s.span()
	query.Set("query", expr)
	var answer struct {
		Data []struct {
			Exemplars []struct{ Labels map[string]string }
		}
	}
	err := ask(s.prometheus+"/api/v1/query_exemplars", query, &answer)
	n := 0
	for _, d := range answer.Data {
		for _, e := range d.Exemplars {
			if len(e.Labels["trace_id"]) == 32 {
				n++
			}
		}
	}
	return n, err
}

// lines returns how many lines of the log a query finds.
func (s *stack) lines(expr string) (int, error) {
	query := s.span()
	query.Set("query", expr)
	query.Set("limit", "20")
	var answer struct {
		Data struct {
			ResultType string
			Result     []struct{ Values [][2]string }
		}
	}
	err := ask(s.loki+"/loki/api/v1/query_range", query, &answer)
	n := 0
	for _, r := range answer.Data.Result {
		n += len(r.Values)
	}
	if err == nil && answer.Data.ResultType != "streams" {
		err = fmt.Errorf("it is no query of lines")
	}
	return n, err
}

var (
	labelValues = regexp.MustCompile(`^label_values\((.*), ([a-z_]+)\)$`)
	queryResult = regexp.MustCompile(`^query_result\((.*)\)$`)
	inLegend    = regexp.MustCompile(`\{\{ ?([a-z_]+) ?\}\}`)
)

// choices returns what a variable offers.
func (s *stack) choices(v fileVariable, values map[string]string) ([]string, error) {
	query, ok := v.Query.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("its query is %v", v.Query)
	}
	if m := queryResult.FindStringSubmatch(fmt.Sprint(query["query"])); m != nil {
		return s.results(m[1], v.Regex)
	}
	address, label, span := s.prometheus+"/api/v1/label/", "", s.span()
	if v.Datasource.Type == "loki" {
		address, label = s.loki+"/loki/api/v1/label/", fmt.Sprint(query["label"])
		span.Set("query", fmt.Sprint(query["stream"]))
	} else {
		m := labelValues.FindStringSubmatch(fill(fmt.Sprint(query["query"]), values))
		if m == nil {
			return nil, fmt.Errorf("its query is %v", query["query"])
		}
		span.Set("match[]", m[1])
		label = m[2]
	}
	var answer struct{ Data []string }
	err := ask(address+label+"/values", span, &answer)
	return answer.Data, err
}

// results returns what a pattern of Grafana's finds in the series of a query.
func (s *stack) results(expr, pattern string) ([]string, error) {
	part, err := regexp.Compile(strings.Trim(pattern, "/"))
	if err != nil {
		return nil, err
	}
	all, err := s.measure(expr, true)
	var found []string
	for _, one := range all {
		for name, value := range one.labels {
			if m := part.FindStringSubmatch(name + `="` + value + `"`); m != nil {
				found = append(found, m[1])
			}
		}
	}
	return found, err
}

// missing returns a label of the legend that a series does not have.
func missing(legend string, all []series) string {
	for _, m := range inLegend.FindAllStringSubmatch(legend, -1) {
		for _, one := range all {
			if one.labels[m[1]] == "" {
				return m[1]
			}
		}
	}
	return ""
}

// alternation is how Grafana writes several values of a variable.
func alternation(values []string) string { return "(" + strings.Join(values, "|") + ")" }
