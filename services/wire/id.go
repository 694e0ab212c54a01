package wire

import (
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"
)

// ID is the position of an event in its topic, written
// "<milliseconds>-<sequence>" like the entry ids of Redis Streams. The zero
// ID is the position before everything; no event has it.
type ID struct {
	MS  uint64 // milliseconds since the Unix epoch, by the clock of the store
	Seq uint64 // tells events of one millisecond apart
}

// MaxID is higher than the id of any event.
var MaxID = ID{math.MaxUint64, math.MaxUint64}

// ErrBadID is returned for text that is not an id.
var ErrBadID = errors.New("not an event id: want <milliseconds>-<sequence> or 0")

// ParseID reads the canonical form of an id, or "0" for the zero ID. Signs,
// leading zeros and anything that does not fit 64 bits are refused, so that
// an id has one spelling.
func ParseID(s string) (ID, error) {
	if s == "0" {
		return ID{}, nil
	}
	ms, seq, ok := strings.Cut(s, "-")
	if !ok {
		return ID{}, ErrBadID
	}
	var id ID
	if id.MS, ok = parseUint(ms); !ok {
		return ID{}, ErrBadID
	}
	if id.Seq, ok = parseUint(seq); !ok {
		return ID{}, ErrBadID
	}
	return id, nil
}

func parseUint(s string) (uint64, bool) {
	if s == "" || s[0] == '+' || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// Compare returns -1, 0 or 1 as a is before, at or after b.
func (a ID) Compare(b ID) int {
	if c := cmp.Compare(a.MS, b.MS); c != 0 {
		return c
	}
	return cmp.Compare(a.Seq, b.Seq)
}

// Less reports whether a is before b.
func (a ID) Less(b ID) bool { return a.MS < b.MS || a.MS == b.MS && a.Seq < b.Seq }

// IsZero reports whether a is the position before everything.
func (a ID) IsZero() bool { return a == ID{} }

// AppendTo appends the text of a to dst.
func (a ID) AppendTo(dst []byte) []byte {
	dst = strconv.AppendUint(dst, a.MS, 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, a.Seq, 10)
}

// String returns the text of a, "0-0" for the zero ID.
func (a ID) String() string { return string(a.AppendTo(make([]byte, 0, 24))) }

// Next returns the lowest id above a.
func (a ID) Next() ID {
	if a.Seq == math.MaxUint64 {
		return ID{a.MS + 1, 0}
	}
	return ID{a.MS, a.Seq + 1}
}
