// Package observability turns what the services report about themselves into
// metrics. It implements the small observer interfaces of the libraries,
// which know nothing of it.
//
// No label takes a value that a client chooses, and every known set of labels
// exists from the start at zero, so that a rate is never missing.
package observability
