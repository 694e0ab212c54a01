// Package eventlog is the idea that everything else is built on: a topic is a
// log, a connection is a cursor in it.
//
// A [Topic] is an append-only sequence of events. What a store keeps of one is a
// [Record]: type, key, trace and data as they were given. Its recent part, the
// hot tail, is held in memory as bytes that can go to a socket as they are: an
// event is encoded once, when it comes into memory, however many readers it has.
// A [Cursor] is a position in a topic. It owns no queue and no copy of an
// event; how far it is behind is the distance to the head.
//
// Live delivery, resuming after a reconnect, catching up after a slow spell
// and a first read are therefore one operation: take a [View], write what
// [Cursor.Next] answers until it says [AtHead], then wait to be woken.
//
// # Ordering
//
// Ids rise strictly within a topic and are never given twice, across
// restarts and steps of the clock. Readers see events in the order of their
// ids. Between topics there is no order.
//
// # Delivery
//
// An event is visible to readers only when its store has committed it at the
// durability that the store promises; [Log.Append] returns after that. A
// reader that follows a topic from a position sees every later event exactly
// once, or a [GapError] in the place of what is gone, never silence.
//
// An append is a batch, committed in one step; each of its entries may ask that
// its key is new or has a certain latest event ([Condition]), and nothing follows
// the end of a topic. An append with an idempotency key happens once, however
// often it is tried while the store remembers the key: the others are answered
// with the first's id. See [Idempotency] and [KeyOptions].
//
// # Releases
//
// The rule for all stores: a release reads what the one before wrote, and
// writes what the one before can read; what a format gains is written one
// release after it is read (expand first, contract one release later). What
// can't be read is refused by name, and the refusal says what to do. Package
// stored has what the stores share of it.
//
// # Slow readers
//
// A reader cannot hold up a publisher or another reader. It is only ever
// asked for its position. When the hot tail has moved past that position it
// reads pages from the store with [Log.Fetch], and when the store's retention
// has passed it too, it is told what it missed.
//
// # Memory
//
// One budget bounds the resident blocks of all topics. Topics that were idle
// longest give way first. A block that a reader pins while a write is
// unfinished stays in the account until it is released. The account is what the
// allocator spends on them. Beside it a log takes some hundred bytes for each
// topic, as many for a few idempotency keys, and nothing that grows with what
// was published: a store keeps no event in memory once it is committed, and
// nothing of what it was given.
package eventlog
