// Package scenario runs load tests. A scenario is a set of defaults (presets.go)
// and what happens while it is measured (phases.go); everything else, from the
// streams to the report, is the same for all of them.
package scenario
