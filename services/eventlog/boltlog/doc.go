// Package boltlog is the durable embedded store of package eventlog: one file
// that a single hub writes with bbolt.
//
// # Durability
//
// An append is answered when its bytes are on the disk (fsync). Appends that
// arrive while a commit is under way share the next one, so their number does
// not multiply the waits for the disk.
//
// The idempotency key of an append is in the same commit as its event: after a
// crash at any moment both are there or neither. All keys are in memory too,
// where appends look for them; see [eventlog.Keys] for how much that takes.
// What is forgotten there is deleted from the file within seconds.
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
// goes on in fresh ones. The same is done with the idempotency keys. Those that
// can't be read are forgotten and reported, and that is all: no event is lost
// with them, but a publish that is tried once more may be committed twice. A
// file that crashed while it had very many free pages is walked through by
// bbolt when it opens; if keys are damaged in it, all of them are forgotten.
//
// # Layout
//
//	meta     store        → the highest id ever given, the floor of new topics
//	states   <topic>      → its eventlog.State
//	topics   <topic>/<id> → a record
//	aside    <topic, last id, events, bytes>/<topic>/<id> → a record of a topic's earlier pages
//	         <no topic, last id, number, 0>/keys/<id> → an idempotency key of earlier pages
//	keys     <id of the event> → an idempotency key with its topic, and its fingerprint
//
// Every value begins with a version and a checksum. A file without the bucket
// keys, which earlier releases wrote, gets one when it is opened; they don't
// open a file that has it.
package boltlog
