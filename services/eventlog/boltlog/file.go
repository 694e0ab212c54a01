package boltlog

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// The layout of bbolt's two meta pages behind the page's head. The one with
// the higher transaction holds; a commit writes the other.
const (
	fileMagic   = 0xED0CDAED
	fileVersion = 2
	noFreelist  = ^uint64(0)
	fileMetaLen = 64
	freshTx     = 1 // the last transaction of a file that was only created
)

// fileMeta is what bbolt knows of its file.
type fileMeta struct {
	pageSize int
	root     uint64 // page of the root bucket
	freelist uint64 // page of the free list, or noFreelist
	end      uint64 // the first page that was never used
	tx       uint64
}

var errNotBolt = errors.New("not a bbolt file")

func readFileMeta(b []byte) (m fileMeta, err error) {
	if len(b) < fileMetaLen || native.Uint32(b) != fileMagic {
		return m, errNotBolt
	}
	if v := native.Uint32(b[4:]); v != fileVersion {
		return m, fmt.Errorf("%w of version %d", errNotBolt, fileVersion)
	}
	h := fnv.New64a()
	h.Write(b[:fileMetaLen-8])
	if h.Sum64() != native.Uint64(b[fileMetaLen-8:]) {
		return m, errDamaged
	}
	return fileMeta{
		pageSize: int(native.Uint32(b[8:])),
		root:     native.Uint64(b[16:]),
		freelist: native.Uint64(b[32:]),
		end:      native.Uint64(b[40:]),
		tx:       native.Uint64(b[48:]),
	}, nil
}

// readFileMetas returns the meta that holds, and whether the other is
// damaged: then the last commit may be lost.
func readFileMetas(f *os.File, pageSize int) (m fileMeta, oneLost bool, err error) {
	var both [2]fileMeta
	var errs [2]error
	for i := range both {
		b := make([]byte, pageHead+fileMetaLen)
		if _, errs[i] = f.ReadAt(b, int64(i*pageSize)); errs[i] == nil {
			both[i], errs[i] = readFileMeta(b[pageHead:])
		}
		if errs[i] == nil && both[i].pageSize != pageSize {
			errs[i] = errDamaged
		}
	}
	switch {
	case errs[0] != nil && errs[1] != nil:
		return m, false, errs[0]
	case errs[1] != nil || errs[0] == nil && both[0].tx > both[1].tx:
		m = both[0]
	default:
		m = both[1]
	}
	return m, errs[0] != nil || errs[1] != nil, nil
}

// readFreelist returns the free pages, rising.
func readFreelist(f *os.File, m fileMeta) ([]uint64, error) {
	bad := fmt.Errorf("free list on page %d: %w", m.freelist, errPage)
	if m.freelist < 2 || m.freelist >= m.end {
		return nil, bad
	}
	p := page{make([]byte, m.pageSize)}
	off := int64(m.freelist) * int64(m.pageSize)
	if _, err := f.ReadAt(p.buf, off); err != nil {
		return nil, err
	}
	if p.id() != m.freelist || native.Uint16(p.buf[8:]) != freelistFlag {
		return nil, bad
	}
	list := p.buf[pageHead:]
	n := uint64(p.count())
	if n == 0xFFFF { // the number itself comes first
		n, list = native.Uint64(list), list[8:]
	}
	// It was made as long as the list was before it took its own pages.
	over := p.overflow()
	if n > m.end || m.freelist+over >= m.end ||
		over != freelistPages(n, m.pageSize) && over != freelistPages(n+over+1, m.pageSize) {
		return nil, bad
	}
	if over > 0 {
		skip := len(p.buf) - len(list)
		p.buf = make([]byte, (over+1)*uint64(m.pageSize))
		if _, err := f.ReadAt(p.buf, off); err != nil {
			return nil, err
		}
		list = p.buf[skip:]
	}
	if n > uint64(len(list)/8) {
		return nil, bad
	}
	free := make([]uint64, n)
	for i := range free {
		free[i] = native.Uint64(list[i*8:])
		if free[i] < 2 || free[i] >= m.end || i > 0 && free[i] <= free[i-1] {
			return nil, bad
		}
	}
	return free, nil
}

// freelistPages returns how many pages behind its first one bbolt takes for a
// list of n.
func freelistPages(n uint64, pageSize int) uint64 {
	if n >= 0xFFFF {
		n++
	}
	return (pageHead + 8*n) / uint64(pageSize)
}

// claims keeps count of the pages that have a use, for verifier.claim.
type claims []uint64 // a bit for every page

func newClaims(m fileMeta, free []uint64) claims {
	c := make(claims, m.end/64+1)
	for _, id := range free {
		c[id/64] |= 1 << (id % 64)
	}
	return c
}

// has reports whether a page has a use, or is not there at all.
func (c claims) has(id uint64) bool {
	return id/64 >= uint64(len(c)) || c[id/64]&(1<<(id%64)) != 0
}

func (c claims) claim(id, n uint64) error {
	for ; n > 0; id, n = id+1, n-1 {
		if c.has(id) {
			return fmt.Errorf("page %d is used twice, or used and free", id)
		}
		c[id/64] |= 1 << (id % 64)
	}
	return nil
}
