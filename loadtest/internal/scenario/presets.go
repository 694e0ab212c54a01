package scenario

import (
	"slices"
	"time"
)

// preset is a scenario.
type preset struct {
	name, about string
	set         func(*options)
	measure     func(*runner) error
}

// presets are all scenarios, in the order in which help lists them.
var presets = []preset{
	{"connect", "many streams: how fast they can be had, what memory each takes, how long one event takes to all",
		func(o *options) { o.streams, o.connectRate, o.rate, o.events = 10_000, 1000, 1, 1 }, (*runner).connected},
	{"fanout", "one topic, many streams: what a delivery costs, and how late it is",
		func(o *options) { o.streams, o.rate, o.connections = 1000, 10, 1 }, (*runner).steady},
	{"publish", "many publishers, many topics: how many events a second are taken",
		func(o *options) { o.streams, o.topics, o.rate, o.connections = 0, 5000, 0, 64 }, (*runner).steady},
	{"mixed", "orders: one POST each at a fixed rate, over many topics, and streams of several topics each",
		func(o *options) {
			o.streams, o.topics, o.topicsEach, o.rate, o.connections = 1000, 5000, 5, 8000, 200
		}, (*runner).steady},
	{"storm", "all streams are cut off at once, again and again, and all return, while events are published",
		func(o *options) { o.streams, o.topics, o.rate, o.connections = 5000, 1, 20, 1 }, (*runner).storms},
	{"resume", "all streams are cut off, miss some events, and return: how long until they have all",
		func(o *options) { o.streams, o.missed, o.connections = 1000, 1000, 1 }, (*runner).resumed},
	{"slow", "some streams never read, or little at a time: what that does to the others",
		func(o *options) { o.streams, o.rate, o.connections, o.never = 1000, 20, 1, 100 }, (*runner).steady},
	{"soak", "mixed traffic for long, with streams that come and go: what grows",
		func(o *options) {
			o.streams, o.topics, o.topicsEach, o.rate, o.connections, o.churn = 500, 200, 2, 500, 16, 2
			o.duration, o.warmUp = time.Hour, time.Minute
		}, (*runner).steady},
	{"tokens", "language-model streams: many answers at once, a topic each, in batches, to readers that reload",
		func(o *options) { o.streams, o.rate, o.readers, o.answers, o.duration = 0, 50, 3, 100, 30*time.Second }, (*runner).written},
}

// Names returns the names of all scenarios, and what they are about.
func Names() (names, about []string) {
	for _, p := range presets {
		names, about = append(names, p.name), append(about, p.about)
	}
	return names, about
}

func presetOf(name string) (preset, bool) {
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
	if i < 0 {
		return preset{}, false
	}
	return presets[i], true
}
