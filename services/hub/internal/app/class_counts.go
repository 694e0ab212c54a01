package app

import "sync/atomic"

// classCounts counts publishes by the class of their topic.
type classCounts struct {
	classes TopicClasses
	names   []string // each once; the last is OtherClass
	index   map[string]int
	counts  []atomic.Uint64
}

func newClassCounts(classes TopicClasses) *classCounts {
	c := &classCounts{classes: classes, index: map[string]int{}}
	for _, class := range append(classes[:len(classes):len(classes)], TopicClass{Name: OtherClass}) {
		if _, known := c.index[class.Name]; !known {
			c.index[class.Name] = len(c.names)
			c.names = append(c.names, class.Name)
		}
	}
	c.counts = make([]atomic.Uint64, len(c.names))
	return c
}

// add counts an event that was published to a topic.
func (c *classCounts) add(topic string) { c.counts[c.index[c.classes.Class(topic)]].Add(1) }

// published returns the counts by class.
func (c *classCounts) published() []uint64 {
	all := make([]uint64, len(c.counts))
	for i := range c.counts {
		all[i] = c.counts[i].Load()
	}
	return all
}

// name returns the name of a class by its place in published.
func (c *classCounts) name(i int) string { return c.names[i] }
