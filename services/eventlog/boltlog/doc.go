// Package boltlog is the durable embedded store of package eventlog: one file
// that a single hub writes with bbolt.
//
// # Durability
//
// An append is answered when its bytes are on the disk (fsync). Appends that
// arrive while a commit is under way share the next one, so their number does
// not multiply the waits for the disk.
//
// # Damage
//
// Every record carries a checksum over its topic, its id and its content, and
// the id of the record before it. A record that does not prove itself is
// never delivered; a record that is missing shows as a break in the chain of
// ids. So whatever happened to the file, a reader sees each event as it was
// published or a gap where it was, and reading goes on behind the damage.
//
// bbolt trusts its file: a page that points to itself overflows the stack, a
// truncated file faults, and both end the process. Nothing here therefore lets
// bbolt see a page that was not looked at before. Readers walk the tree with
// their own bounded code, through the file and not the mapping, which also
// keeps a slow disk from holding up a processor; bbolt only gives them a
// transaction, so that the pages stay. The committer checks the pages that a
// commit will touch. What is needed to start is checked when the file opens.
//
// A topic whose own pages cannot be written any more is set aside: the pages
// are left as they are, still readable where they can be read, and the topic
// goes on in fresh ones.
//
// # Layout
//
//	meta     store        → the highest id ever given, the floor of new topics
//	states   <topic>      → its eventlog.State
//	topics   <topic>/<id> → a record
//	aside    <topic, last id, events, bytes>/<id> → a record of a topic's earlier pages
package boltlog
