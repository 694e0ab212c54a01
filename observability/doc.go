// Package observability turns what the services report about themselves into
// metrics; the packages below it do so for logs and traces. The libraries, which
// know nothing of it, report to small interfaces of their own.
//
// No label takes a value that a client chooses, and every known set of labels
// exists from the start at zero, so that a rate is never missing.
package observability
