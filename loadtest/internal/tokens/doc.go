// Package tokens is the load of language-model answers: many at once, each with a
// topic of its own, some tokens a second each. What came within a moment goes to
// the hub as one NDJSON batch. Readers follow an answer while it is written; some
// are cut off and resume, some reload and begin anew. In the end each has the
// text of the answer, byte by byte.
package tokens
