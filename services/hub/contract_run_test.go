package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// contractRun is one row under way.
type contractRun struct {
	hub     *runningHub
	vars    contractVars
	answers []*contractAnswer // that are streams: their connections are open
	streams map[string]*contractAnswer
}

func newContractRun(h *runningHub, row int, tokens map[string]string) *contractRun {
	vars := contractVars{
		"public": strings.TrimPrefix(h.public, "http://"),
		"admin":  strings.TrimPrefix(h.admin, "http://"),
		"token":  testToken,
	}
	for name, token := range tokens {
		vars["token:"+name] = token
	}
	for i, name := range []string{"topic", "topic2", "topic3"} {
		vars[name] = fmt.Sprintf("row%d.%c", row, "cab"[i]) // not in the order of names
	}
	return &contractRun{hub: h, vars: vars, streams: map[string]*contractAnswer{}}
}

// close ends what the row left open.
func (r *contractRun) close() {
	for _, a := range r.answers {
		a.close()
	}
}

func (r *contractRun) steps(steps []contractStep) error {
	for i := range steps {
		if err := r.step(&steps[i]); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// contractPatience is how long something may take that takes its time.
const contractPatience = 10 * time.Second

func (r *contractRun) step(s *contractStep) error {
	switch {
	case s.To != "":
		return r.publish(s)
	case s.Request != "":
		for range max(s.Times, 1) {
			if err := r.request(s); err != nil {
				return err
			}
		}
		return nil
	case s.Read != "":
		a := r.streams[s.Read]
		if a == nil {
			return fmt.Errorf("no stream is named %q", s.Read)
		}
		return r.read(a, &s.Expect)
	case s.Close != "":
		a := r.streams[s.Close]
		if a == nil {
			return fmt.Errorf("no stream is named %q", s.Close)
		}
		a.close()
		return nil
	case s.Eventually != nil:
		late := time.Now().Add(contractPatience)
		for {
			err := r.steps(s.Eventually)
			if err == nil || time.Now().After(late) {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return errors.New("a step that does nothing")
}

// publish publishes one event and keeps its id.
func (r *contractRun) publish(s *contractStep) error {
	request := contractStep{Request: "POST /v1/topics/" + s.To + "/events", Body: s.Publish, Headers: s.Headers}
	request.Expect = expectation{Status: 201, JSON: map[string]any{"id": `/[0-9]+-[0-9]+/`}}
	if s.ID != "" {
		request.Expect.JSON = map[string]any{"id": `/(?<` + s.ID + `>[0-9]+-[0-9]+)/`}
	}
	return r.request(&request)
}

// request sends a request and checks the answer.
func (r *contractRun) request(s *contractStep) error {
	a, err := r.send(s)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Request, err)
	}
	if a.events == nil {
		a.close() // an address may have few connections
	} else {
		r.answers = append(r.answers, a)
	}
	if s.Stream != "" {
		r.streams[s.Stream] = a
	}
	if err := r.check(a, &s.Expect); err != nil {
		return fmt.Errorf("%s: %w: answered %d %v %.300s", s.Request, err, a.status, a.header, a.body)
	}
	return nil
}
