package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

// check checks an answer, and of a stream what it begins with.
func (r *contractRun) check(a *contractAnswer, want *expectation) error {
	if a.status != want.Status {
		return fmt.Errorf("want status %d", want.Status)
	}
	if want.Plain {
		return checkPlain(a)
	}
	if !traceID.MatchString(a.header.Get("X-Trace-Id")) {
		return errors.New("no X-Trace-Id")
	}
	for name, pattern := range want.Headers {
		var got any
		if values := a.header.Values(name); values != nil {
			got = strings.Join(values, ", ")
		}
		if err := r.vars.match(pattern, got); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if (a.status >= 400) != (want.Problem != "" || a.method == "HEAD" && a.status >= 400) {
		return errors.New("a refusal names its problem, and nothing else does")
	}
	if a.events != nil {
		return r.read(a, want)
	}
	return r.checkBody(a, want)
}

func (r *contractRun) checkBody(a *contractAnswer, want *expectation) error {
	if want.Events != nil || want.Then != "" {
		return errors.New("this is no stream")
	}
	if want.Problem != "" {
		if err := r.checkProblem(a, want.Problem); err != nil {
			return err
		}
	}
	if want.JSON != nil {
		var got any
		if err := json.Unmarshal(a.body, &got); err != nil {
			return err
		}
		if err := r.vars.match(want.JSON, got); err != nil {
			return err
		}
	}
	if want.Lines != nil {
		var got []any
		for d := json.NewDecoder(strings.NewReader(string(a.body))); d.More(); {
			var line any
			if err := d.Decode(&line); err != nil {
				return err
			}
			got = append(got, line)
		}
		if err := r.vars.match(want.Lines, got); err != nil {
			return err
		}
	}
	if want.Body != nil {
		return r.vars.match(want.Body, string(a.body))
	}
	return nil
}

// checkPlain checks a refusal that is not the hub's own.
func checkPlain(a *contractAnswer) error {
	h := a.header
	if h.Get("X-Trace-Id") != "" || h.Get("Connection") != "close" || len(a.body) > 0 && !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		return fmt.Errorf("headers %v", h)
	}
	return nil
}

// checkProblem checks what every refusal has.
func (r *contractRun) checkProblem(a *contractAnswer, problem string) error {
	if typ := a.header.Get("Content-Type"); typ != "application/problem+json" {
		return fmt.Errorf("content type %q", typ)
	}
	if caching := a.header.Get("Cache-Control"); caching != "no-store" {
		return fmt.Errorf("Cache-Control %q", caching)
	}
	var got any
	if err := json.Unmarshal(a.body, &got); err != nil {
		return err
	}
	return r.vars.match(map[string]any{
		"type": sse.ProblemTypePrefix + problem, "status": float64(a.status), "title": `/.+/`, "detail": `/.+/`,
		"trace_id": a.header.Get("X-Trace-Id"),
	}, got)
}

// contractSilence is how long a stream is watched of which nothing is expected.
const contractSilence = 100 * time.Millisecond

// read checks the next events of a stream and what comes then.
func (r *contractRun) read(a *contractAnswer, want *expectation) error {
	late := time.After(contractPatience)
	for i, pattern := range want.Events {
		select {
		case got, ok := <-a.events:
			if !ok {
				return fmt.Errorf("event %d: the stream ended with %v", i+1, a.err)
			}
			if err := r.matchEvent(pattern, got, a.header.Get("X-Trace-Id")); err != nil {
				return fmt.Errorf("event %d: %w: %v", i+1, err, got)
			}
		case <-late:
			return fmt.Errorf("event %d does not come", i+1)
		}
	}
	switch want.Then {
	case "":
		return nil
	case "end":
		late = time.After(contractPatience)
	case "silence":
		late = time.After(contractSilence)
	default:
		return fmt.Errorf("then %q", want.Then)
	}
	select {
	case got, ok := <-a.events:
		switch {
		case ok:
			return fmt.Errorf("more came: %v", got)
		case want.Then == "silence" || a.err != io.EOF:
			return fmt.Errorf("the stream ended with %v", a.err)
		}
	case <-late:
		if want.Then == "end" {
			return errors.New("the stream does not end")
		}
	}
	return nil
}

// matchEvent checks an event, which has the fields that the pattern names and
// no others, but for retry. The id is checked first: it may give {{name}} a
// value. On the wire it is the last line.
func (r *contractRun) matchEvent(pattern map[string]any, got map[string]string, trace string) error {
	if _, ok := got["id"]; ok && !strings.HasSuffix(got[linesOf], "id") {
		return fmt.Errorf("the id is not the last of the lines %s", got[linesOf])
	}
	for field := range got {
		if _, ok := pattern[field]; !ok && field != "retry" && field != linesOf {
			return fmt.Errorf("an unexpected %s", field)
		}
	}
	order := []string{"id", "event", "retry", "data", "key", "traceparent", "comment", linesOf}
	for field := range pattern {
		if !slices.Contains(order, field) {
			return fmt.Errorf("no event has a field %s", field)
		}
	}
	for _, field := range order {
		want, named := pattern[field]
		if !named {
			continue
		}
		var value any
		if text, ok := got[field]; ok {
			value = text
		}
		if _, ok := want.(map[string]any); ok && field == "data" {
			if err := json.Unmarshal([]byte(got[field]), &value); err != nil {
				return err
			}
			data, _ := value.(map[string]any)
			if id, ok := data["trace_id"]; ok && id != trace {
				return fmt.Errorf("trace_id %v, X-Trace-Id %s", id, trace)
			}
		}
		if err := r.vars.match(want, value); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
	}
	return nil
}
