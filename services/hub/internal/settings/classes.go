package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-stream/sluice/services/hub/internal/pattern"
)

// TopicClass gives the topics of a pattern a name that few share, as metrics
// need it.
type TopicClass struct {
	Name    string
	Pattern string // as package pattern has them
}

// TopicClasses are the classes in the order in which they are tried.
type TopicClasses []TopicClass

const (
	// OtherClass is the class of topics that match no pattern.
	OtherClass = "other"
	// maxTopicClasses bounds the values of a metric's label.
	maxTopicClasses = 32
)

// Class returns the class of a topic: the first whose pattern matches.
func (c TopicClasses) Class(topic string) string {
	for i := range c {
		if pattern.Match(c[i].Pattern, topic) {
			return c[i].Name
		}
	}
	return OtherClass
}

// classList reads topic classes, as name=pattern.
type classList TopicClasses

func (l *classList) String() string {
	parts := make([]string, len(*l))
	for i, c := range *l {
		parts[i] = c.Name + "=" + c.Pattern
	}
	return strings.Join(parts, ",")
}

func (l *classList) Set(s string) error {
	for part := range items(s) {
		name, p, ok := strings.Cut(part, "=")
		switch {
		case !ok || !validName(name):
			return errors.New("write name=pattern, the name of 1 to 64 letters, digits, dots, hyphens or underscores")
		case !pattern.Valid(p):
			return fmt.Errorf("%q is not a pattern: write a topic like orders, its subtopics like orders.*, or * for all", p)
		case len(*l) == maxTopicClasses:
			return fmt.Errorf("there may be %d classes at most", maxTopicClasses)
		}
		*l = append(*l, TopicClass{name, p})
	}
	return nil
}
