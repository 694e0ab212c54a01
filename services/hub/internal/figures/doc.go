// Package figures is what a hub counts and finds out about itself, for metrics,
// for the health scores of its clients, and for who follows its topic
// hub.stats: publishes by class of topic, what the log keeps, which streams are
// behind. It promises to look once a second and not at each scrape or probe:
// looking at all streams is work.
//
// A new member of hub.stats is a field of stats in stats.go; a new metric is
// package observability's, with its source here.
package figures
