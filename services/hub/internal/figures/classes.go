package figures

import (
	"sync"
	"sync/atomic"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Classes counts publishes by the class of their topic.
type Classes struct {
	classes settings.TopicClasses
	all     []*Class // each name once; the last is [settings.OtherClass]
	index   map[string]*Class
}

// Class is one class of topics.
type Class struct {
	Name      string
	Published atomic.Uint64 // events

	mu      sync.Mutex // guards dropped
	dropped eventlog.Account
}

// drop takes over the account of a topic that is known no more.
func (c *Class) drop(a eventlog.Account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped.Add(a)
}

// Dropped is for [eventlog.Options].
func (c *Classes) Dropped(topic string, a eventlog.Account) { c.Of(topic).drop(a) }

// NewClasses returns the classes of the settings, with nothing counted.
func NewClasses(classes settings.TopicClasses) *Classes {
	c := &Classes{classes: classes, index: map[string]*Class{}}
	for _, class := range append(classes[:len(classes):len(classes)], settings.TopicClass{Name: settings.OtherClass}) {
		if c.index[class.Name] == nil {
			found := &Class{Name: class.Name}
			c.index[class.Name] = found
			c.all = append(c.all, found)
		}
	}
	return c
}

// Of returns the class of a topic.
func (c *Classes) Of(topic string) *Class { return c.index[c.classes.Class(topic)] }

// Names returns the names of the classes.
func (c *Classes) Names() []string {
	names := make([]string, len(c.all))
	for i := range c.all {
		names[i] = c.all[i].Name
	}
	return names
}

// published returns the counts by class, in the order of all.
func (c *Classes) published() []uint64 {
	counts := make([]uint64, len(c.all))
	for i := range c.all {
		counts[i] = c.all[i].Published.Load()
	}
	return counts
}
