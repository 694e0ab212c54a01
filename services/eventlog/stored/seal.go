package stored

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// version is the first byte of everything stored.
const version = 1

// Errors of what is read.
var (
	// ErrDamaged: it is not as it was written.
	ErrDamaged = errors.New("not as it was written")
	// ErrNewer: it was written by a newer release, which says that this one can't
	// read it.
	ErrNewer = errors.New("written by a newer release")
)

func newer(what string, number byte) error {
	return fmt.Errorf("%w: %s has the number %d, which this one does not know", ErrNewer, what, number)
}

// IDLen is the length of an id in a key.
const IDLen = 16

// AppendID appends an id in an order that bytes compare in.
func AppendID(dst []byte, id eventlog.ID) []byte {
	dst = binary.BigEndian.AppendUint64(dst, id.MS)
	return binary.BigEndian.AppendUint64(dst, id.Seq)
}

// ReadID reads what AppendID wrote: IDLen bytes.
func ReadID(b []byte) eventlog.ID {
	return eventlog.ID{MS: binary.BigEndian.Uint64(b), Seq: binary.BigEndian.Uint64(b[8:])}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Scope is the name that values are stored under, a topic's for its records,
// as the beginning of their checksums.
type Scope uint32

// ScopeOf returns the scope of a name without the byte 0.
func ScopeOf(name string) Scope {
	return Scope(crc32.Checksum(append([]byte(name), 0), castagnoli))
}

const prefixLen = 1 + 4 // version, checksum

// New returns a value to append to and then to Seal.
func New(capacity int) []byte { return make([]byte, prefixLen, prefixLen+capacity) }

// Seal makes b a value: its first bytes become the version and a CRC-32C over
// the scope, the key and everything else.
func (s Scope) Seal(b, key []byte) { s.SealAs(version, b, key) }

// SealAs makes b a value of another version than this release writes.
func (s Scope) SealAs(version byte, b, key []byte) {
	b[0] = version
	binary.BigEndian.PutUint32(b[1:], s.checksum(b, key))
}

// Unseal returns what is behind the checksum, if that is right.
func (s Scope) Unseal(b, key []byte) ([]byte, error) {
	switch {
	case len(b) < prefixLen, binary.BigEndian.Uint32(b[1:]) != s.checksum(b, key):
		return nil, ErrDamaged
	case b[0] != version:
		return nil, newer("its format", b[0])
	}
	return b[prefixLen:], nil
}

func (s Scope) checksum(b, key []byte) uint32 {
	// The version is in the sum's beginning: another one makes another sum.
	sum := crc32.Update(uint32(s)^uint32(b[0]), castagnoli, key)
	return crc32.Update(sum, castagnoli, b[prefixLen:])
}

// reader reads the parts of a value; where it is too short err is set.
type reader struct {
	b   []byte
	err error
}

func (r *reader) bytes(n uint64) (b []byte) {
	if n > uint64(len(r.b)) {
		r.err, r.b = ErrDamaged, nil
		return nil
	}
	b, r.b = r.b[:n:n], r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

// skip passes over a number of n bytes; 0 or less: it was none.
func (r *reader) skip(n int) {
	if n <= 0 {
		r.err, r.b = ErrDamaged, nil
		return
	}
	r.b = r.b[n:]
}
