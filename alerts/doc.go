// Command alerts writes the rules that follow from the objectives, and copies
// of all rules with their times scaled down, for drills.
//
// Rules are in rules/, their tests for promtool in tests/, what to do about
// each alert in runbooks/, where alerts go in alertmanager.yml. The limits are
// in package thresholds.
package main
