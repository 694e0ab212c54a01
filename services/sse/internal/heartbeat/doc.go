// Package heartbeat says when a silent stream is to be heard of, and whether
// its client still answers.
//
// It keeps time for nobody: whoever writes a stream asks [Pings.Due] when to
// look at it next, and [Pings.Turn] then what time has brought. Times are
// durations by one clock, which all streams of a server share. The writer's
// calls come from the goroutine that writes; pongs arrive by other requests,
// from any goroutine, and what a Pings keeps is guarded for their sake.
package heartbeat
