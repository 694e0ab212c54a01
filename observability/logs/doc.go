// Package logs turns what a service logs with log/slog into lines of JSON: on
// standard output always, and pushed to Loki where one is named.
//
// A call that logs never waits for either. Both have a bounded queue of their
// own and one goroutine that empties it; a call waits for a mutex that is held
// for a few copies in memory. Standard output that is full loses its newest
// lines, Loki's queue gives up its oldest; every line lost is counted by
// reason. Loki may be gone, hang, refuse or crawl: the lines on standard
// output do not notice, and it is sent to again as soon as it answers.
//
// A line is encoded once, and what Loki gets is that very line, in order. It
// is counted as sent only once Loki has answered so. A push whose answer was
// lost is made again: Loki knows a line of the same time and text again and
// keeps one. Where Loki takes a part of a push and refuses the rest, all of
// it counts as rejected. What is pushed when the time of Close is up counts as
// dropped, although it may still arrive.
//
// In Loki a line has the labels service_name, level and env, so that a service
// is four streams at most; trace_id and span_id, where a line has them, are
// its structured metadata.
//
// Memory: 8 MiB and 16,384 lines wait for Loki at most. With lines of 300
// bytes a push under way takes 2 MiB more; at worst, with nothing but huge
// lines, 26 MiB (the batch, its protobuf, its compressed form). Standard
// output takes two buffers of about 4 MiB at most.
//
// Secrets are kept out of lines by type, key and form: see Secret and New.
package logs
