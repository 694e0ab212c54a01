// Package account tells whether everything that was published arrived, once and
// in order, with one number for each lane (see package mark) that a stream
// reads.
//
// For every reader: due = delivered + told + behind + lost. Due is what was
// accepted since it began. Told is what a stream.gap said is gone. Behind is the
// end of a lane that has not come yet. Lost is the rest, and it is found as
// holes: numbers that were passed over.
package account
