package main

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// quiet is why a query has no data.
type quiet struct {
	reason    string
	sometimes bool // it may have some all the same
}

// emptyWhenWell are queries that have no data when all is well, by title and
// letter or the annotation's name. An entry that has data has to go, unless
// that is to be expected at times.
var emptyWhenWell = map[string]quiet{
	"Which alerts fire, and who is told? A":          {"no alert fires", true},
	"What is left of each error budget? B":           {"no class has lost any of its own", true},
	"How fast do the error budgets burn? B":          {"no class burns its own too fast", true},
	"Do alerts leave Prometheus and Alertmanager? B": {"no receiver has failed", false},
	"Which requests failed, over five minutes? A":    {"none has failed", true},
	"annotation Breaker":                             {"the store does not fail", false},
}

// choices are how many there are, of variables that have several here: two
// jobs, each with an instance, the hub's releases, its classes of topics.
var choices = map[string]int{"job": 2, "instance": 2, "release": 2, "topic_class": 5}

// afterDrain is the one that wants a hub that drains, and loadTested the one that
// wants a load test.
const (
	afterDrain = "annotation Drain"
	loadTested = "annotation Load test"
)

// Every query of every panel, annotation and variable has data after a minute
// or so of traffic with a few faults, from the real backends; also once the
// hub drains. services/stacktest has it ask those of compose.yaml.
func TestEveryPanelHasData(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than a minute: run it without -short")
	}
	all := files(t)
	s := aStack(t)
	values := s.variables(t, all)
	if want := alternation([]string{s.runbooks}); values["runbooks"] != want {
		t.Errorf("the runbooks are at %s, want %s", values["runbooks"], want)
	}
	asked := questions(all, values)
	listed := map[string]bool{}
	var later, tested, now, well []question
	for _, q := range asked {
		_, isListed := emptyWhenWell[q.key]
		switch {
		case isListed:
			listed[q.key] = true
			well = append(well, q)
		case q.key == afterDrain:
			later = append(later, q)
		case q.key == loadTested:
			tested = append(tested, q)
		default:
			now = append(now, q)
		}
	}
	s.answer(t, now, 3*time.Minute)
	for _, q := range well {
		why := emptyWhenWell[q.key]
		if err := q.ask(s); err == nil && !why.sometimes {
			t.Errorf("%s: it is listed as empty because %s, and has data", q.name, why.reason)
		}
	}
	for key := range emptyWhenWell {
		if !listed[key] {
			t.Errorf("%q is listed as empty, and no query", key)
		}
	}
	if s.public != "" {
		begin(t, nil, programtest.Built(t, "loadtest"), "fanout", "--url", s.public, "--streams", "5", "--duration", "1s", "--ceiling", "0", "--loki-url", s.loki)
		s.answer(t, tested, time.Minute)
	}
	s.drain(t)
	s.answer(t, later, time.Minute)
}

// drain ends the hub, if that has not happened before.
func (s *stack) drain(t *testing.T) {
	t.Helper()
	if s.admin == "" {
		return
	}
	answer, err := http.Post("http://"+s.admin+"/v1/drain", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Fatalf("the hub does not drain: %s", answer.Status)
	}
}

// answer asks until all questions have an answer.
func (s *stack) answer(t *testing.T, pending []question, most time.Duration) {
	t.Helper()
	eventually(t, "data for every query", most, func() error {
		var late []error
		var still []question
		for _, q := range pending {
			if err := q.ask(s); err != nil {
				late, still = append(late, fmt.Errorf("%s: %w", q.name, err)), append(still, q)
			}
		}
		pending = still
		return errors.Join(late...)
	})
}

// variables waits until each has something to choose from and returns what
// "All" is for each.
func (s *stack) variables(t *testing.T, all []file) map[string]string {
	t.Helper()
	values := map[string]string{"__rate_interval": "20s"} // four scrapes, as Grafana's datasource has it
	for _, f := range all {
		for _, v := range f.Templating.List {
			if v.Type != "query" || values[v.Name] != "" {
				continue
			}
			eventually(t, "the variable "+v.Name, 2*time.Minute, func() error {
				found, err := s.choices(v, values)
				if err == nil && len(found) < max(1, choices[v.Name]) {
					err = fmt.Errorf("there is only %q to choose from", found)
				}
				if values[v.Name] = v.AllValue; v.AllValue == "" {
					values[v.Name] = alternation(found)
				}
				return err
			})
		}
	}
	return values
}
