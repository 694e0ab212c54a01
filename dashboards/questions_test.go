package main

import (
	"errors"
	"fmt"
)

// A question is a query that has to have an answer.
type question struct {
	key  string // of emptyWhenWell
	name string
	ask  func(*stack) error
}

// questions are those of all panels and annotations.
func questions(all []file, values map[string]string) []question {
	var asked []question
	for _, f := range all {
		for _, p := range f.shown() {
			for _, q := range p.Targets {
				key := p.Title + " " + q.RefID
				asked = append(asked, question{key, f.UID + ": " + key + ": " + q.Expr, func(s *stack) error {
					return s.panel(p.Type, q, fill(q.Expr, values))
				}})
			}
		}
		for _, a := range f.Annotations.List {
			key := "annotation " + a.Name
			asked = append(asked, question{key, f.UID + ": " + key + ": " + a.Expr, func(s *stack) error {
				if a.Datasource.Type == "loki" {
					return s.log(a.Expr)
				}
				found, err := s.measure(fill(a.Expr, values), false)
				return wanted(found, err, a.TitleFormat+a.TextFormat, true)
			}})
		}
	}
	return asked
}

// panel wants data for one of a panel's queries, and traces where it shows
// them.
func (s *stack) panel(kind string, q fileTarget, expr string) error {
	if kind == string(logsPanel) {
		return s.log(expr)
	}
	found, err := s.measure(expr, q.Instant)
	if err := wanted(found, err, q.LegendFormat, kind == string(heatPanel)); err != nil {
		return err
	}
	if q.Exemplar {
		n, err := s.traces(expr)
		if err == nil && n == 0 {
			err = errors.New("no traces")
		}
		return err
	}
	return nil
}

// log wants lines for a query of the log.
func (s *stack) log(expr string) error {
	n, err := s.lines(expr)
	if err == nil && n == 0 {
		err = errors.New("no lines")
	}
	return err
}

// wanted wants series that have the labels of their legend; where a picture
// would be blank without, a value above 0 too.
func wanted(found []series, err error, legend string, above bool) error {
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("no data")
	}
	if label := missing(legend, found); label != "" {
		return fmt.Errorf("no label %s for the legend", label)
	}
	if !above {
		return nil
	}
	for _, one := range found {
		for _, v := range one.values {
			if v > 0 {
				return nil
			}
		}
	}
	return errors.New("nothing above 0")
}
