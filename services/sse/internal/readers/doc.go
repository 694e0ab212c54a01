// Package readers reads pages of a store for streams that are below the hot
// tail, off the goroutines that write.
//
// The pool is bounded: over its size jobs queue, first come, first served,
// page by page, and streams that read their first page take turns with those
// that read on. While a store fails a job is tried again, and its stream stays
// open.
package readers
