package app

import "sync/atomic"

// classCounts counts publishes by the class of their topic.
type classCounts struct {
	classes TopicClasses
	all     []*classCount // each name once; the last is OtherClass
	index   map[string]*classCount
}

type classCount struct {
	name  string
	count atomic.Uint64 // events that were published
}

func newClassCounts(classes TopicClasses) *classCounts {
	c := &classCounts{classes: classes, index: map[string]*classCount{}}
	for _, class := range append(classes[:len(classes):len(classes)], TopicClass{Name: OtherClass}) {
		if c.index[class.Name] == nil {
			found := &classCount{name: class.Name}
			c.index[class.Name] = found
			c.all = append(c.all, found)
		}
	}
	return c
}

// of returns the class of a topic.
func (c *classCounts) of(topic string) *classCount { return c.index[c.classes.Class(topic)] }

// published returns the counts by class, in the order of all.
func (c *classCounts) published() []uint64 {
	counts := make([]uint64, len(c.all))
	for i := range c.all {
		counts[i] = c.all[i].count.Load()
	}
	return counts
}

// names returns those of the classes.
func (c *classCounts) names() []string {
	names := make([]string, len(c.all))
	for i := range c.all {
		names[i] = c.all[i].name
	}
	return names
}
