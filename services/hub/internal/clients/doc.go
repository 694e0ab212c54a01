// Package clients remembers where named clients (client_id) are in their
// topics, so that a page that was loaded anew resumes without an id.
//
// A client's cursor in a topic begins where its first stream did. It moves
// forward only, to ids that the client acknowledged by presenting them or in a
// pong, and never beyond what the client was sent. A client is remembered for an hour
// after its last sign of life; an open stream is one. Of too many, those that
// are away longest are forgotten.
//
// # Durability
//
// That a client exists, and where it begins, is on the disk before its stream
// does. How its cursors move is saved every few seconds, so a crash moves a
// cursor back: the client is sent some events again, and misses none.
//
// The file is a journal of lines, each with a checksum and the whole state of
// one client; the last line of a client counts. A line that is damaged or cut
// short is left out. The journal is written anew when most of it is outdated.
package clients
