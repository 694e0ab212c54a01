package mark

import (
	"encoding/binary"
	"hash/crc32"
)

// Mark is what an event says of itself.
type Mark struct {
	Run  uint32 // of which load test it is
	Lane uint32
	Seq  uint32 // its number in the lane, from 1
	At   int64  // when it should have been sent: nanoseconds since the Unix epoch
}

// Where what stands. The fields are a multiple of eight digits, so that they are
// read eight at a time. The sum stands before the tail.
const (
	head   = `{"lt":"`
	tail   = `"}`
	runAt  = len(head)
	laneAt = runAt + 9
	seqAt  = laneAt + 9
	timeAt = seqAt + 9
	padAt  = timeAt + 17
	ending = 8 + len(tail)
)

// Least is the length of the shortest event, in bytes.
const Least = padAt + ending

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends an event's data, of so many bytes or Least.
func Append(dst []byte, m Mark, size int) []byte {
	from := len(dst)
	dst = append(dst, head...)
	dst = append(Digits(dst, m.Run), '.')
	dst = append(Digits(dst, m.Lane), '.')
	dst = append(Digits(dst, m.Seq), '.')
	dst = Digits(dst, uint32(uint64(m.At)>>32))
	dst = append(Digits(dst, uint32(m.At)), '.')
	for missing := size - Least; missing > 0; missing -= len(filler) {
		dst = append(dst, filler[:min(len(filler), missing)]...)
	}
	dst = Digits(dst, crc32.Checksum(dst[from:], castagnoli))
	return append(dst, tail...)
}

const filler = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

// Digits appends a number in eight hexadecimal digits.
func Digits(dst []byte, n uint32) []byte { return binary.BigEndian.AppendUint64(dst, digits(n)) }

const each = 0x0101010101010101

// digits returns eight hexadecimal digits as they stand in a text.
func digits(n uint32) uint64 {
	x := uint64(n)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & (0x0f * each)
	letters := (x + 6*each) >> 4 & each // 1 for each that is above 9
	return x + '0'*each + letters*('a'-'0'-10)
}

// Found is what Read found.
type Found uint8

// What there may be.
const (
	None    Found = iota // no load test's event
	Damaged              // one that is not as it was sent
	Whole
)

// Read reads the mark of an event's data. Of a damaged one nothing is certain.
func Read(data []byte) (Mark, Found) {
	if len(data) < Least || string(data[:len(head)]) != head {
		return Mark{}, None
	}
	m := Mark{
		Run:  number(data[runAt:]),
		Lane: number(data[laneAt:]),
		Seq:  number(data[seqAt:]),
		At:   int64(uint64(number(data[timeAt:]))<<32 | uint64(number(data[timeAt+8:]))),
	}
	rest := data[len(data)-ending:]
	if binary.BigEndian.Uint64(rest) != digits(crc32.Checksum(data[:len(data)-ending], castagnoli)) || string(rest[8:]) != tail {
		return m, Damaged
	}
	return m, Whole
}

// number reads eight hexadecimal digits; of anything else the result is
// anything.
func number(p []byte) uint32 {
	x := binary.BigEndian.Uint64(p)
	x = x&(0x0f*each) + 9*(x>>6&each)
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16)
}
