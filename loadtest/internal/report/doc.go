// Package report is what comes of a load test: figures that can be limited and
// compared, the account of all events, how it went over time, and why it is no
// success. It is written as JSON, as a table, and as a page that needs no network.
package report
