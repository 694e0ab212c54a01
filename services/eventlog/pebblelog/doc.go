// Package pebblelog is the durable embedded store of package eventlog, for a
// single hub: a folder that it writes with Pebble, a log-structured merge tree.
//
// # Durability
//
// An append is answered when its bytes are on the disk (fsync). One goroutine,
// the committer, judges appends in their order, gives ids and hands what is to
// be written to the database's log; while that is on its way to the disk it goes
// on with those that came since. Another, the confirmer, waits until it is
// there, tells readers and answers. So waiting for the disk costs many
// publishers no more than one, and whatever is answered, be it that an event is
// a duplicate or that its condition does not hold, follows from what is on the
// disk.
//
// After the first error of the log nothing is acknowledged any more: what is
// behind a hole in it is lost at the next start. The store says so once (see
// Options.OnFailure), and the process has to end. The end of the disk is not
// that: some of it is left free, and appends are refused before.
//
// # Damage
//
// Every record carries a checksum over its topic, its id and its content, and
// the id of the record before it (package stored). One that does not prove
// itself is never delivered; one that is missing shows as a break in the chain
// of ids. So whatever happened to the files, a reader sees each event as it was
// published or a gap where it was, and reading goes on behind the damage.
//
// Where the database meets a block that is not as it was written it can't say
// whose keys were in it: the store looks for the next key that can be read. A
// compaction that meets one has it taken out (heal), as it could never go on.
// The end of a topic that can't be read is put above all that it may have had.
// Only the last of the log may go without a trace: that is what a crash leaves
// of appends that were never answered, and nothing tells it from a file that was
// cut. Where neither what is stored of topics nor their records can be read, the
// store does not open.
//
// # Layout
//
// In the folder events of the data folder, by the first byte of the key:
//
//	a                  → the store's own: the floor of new topics, and of idempotency keys
//	b <topic>          → what its last record does not say of a topic: written when it
//	                     begins, ends, and loses events to retention
//	e <topic> 0 <id>   → a record; it says how many events and bytes of its topic it ends
//	i <id>             → an idempotency key with its topic, and its fingerprint
//	k <topic> 0 <key>  → the id of the key's latest event
//
// So an event is one key and value in the database, however many topics there
// are; two with an idempotency key or a key, and three with both.
//
// # Memory
//
// Options.Memory bounds what the database has in memory: a quarter for blocks
// that were read, and tables of a quarter each that are not on the disk yet. The
// store itself takes some hundred bytes for each topic, and all idempotency keys
// (see [eventlog.Keys]).
package pebblelog
