// Package stored is how a record lies in a store: the same bytes in the
// embedded store, in a shared log and in an archive.
//
// A stored record has a version, a checksum over all of it and over the topic
// and the id that it is stored under, and the place that it was given: when,
// after which event, and how many events and bytes of its topic it ends. So a
// record proves by itself that it is what was published, there, and that
// nothing is missing before it; and the last one of a topic is the topic's
// state.
//
// # Releases
//
// The rule for everything that is stored, here and in the stores: a release
// reads what the one before wrote, and writes what the one before can read. So
// two of them can work side by side, and the newer can be taken back. What a
// format gains is written one release after it is read, and what it loses is
// read for one release more (expand first, contract one release later).
//
// A record is open for that. Its fields are numbered, and one with an even
// number is passed over by a release that does not know it. One with an odd
// number, or another version, says of itself that it can't be read without:
// such a record is refused by name ([ErrNewer]), and never taken for damage.
package stored
