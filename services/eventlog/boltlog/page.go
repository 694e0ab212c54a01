package boltlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The layout of bbolt's pages, format version 2. Numbers are in the byte
// order of the machine that wrote them.
const (
	pageHead   = 16 // id 8, flags 2, count 2, overflow 4
	elemLen    = 16 // leaf: flags 4, pos 4, ksize 4, vsize 4; branch: pos 4, ksize 4, page 8
	bucketHead = 16 // root page 8, sequence 8; with root page 0 the page itself follows

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	bucketFlag   = 0x01 // of a leaf element: its value is a bucket

	maxPage  = 64 << 20 // more is not read as one page
	maxDepth = 32       // of a tree
)

var native = binary.NativeEndian

// pages reads the pages of a file.
type pages struct {
	file io.ReaderAt
	size int
}

// page is a page as it was read. Its methods hold for any bytes.
type page struct {
	buf []byte
}

func (p page) id() uint64       { return native.Uint64(p.buf) }
func (p page) leaf() bool       { return native.Uint16(p.buf[8:]) == leafFlag }
func (p page) branch() bool     { return native.Uint16(p.buf[8:]) == branchFlag }
func (p page) count() int       { return int(native.Uint16(p.buf[10:])) }
func (p page) overflow() uint64 { return uint64(native.Uint32(p.buf[12:])) }

var errPage = errors.New("not a page of a tree")

// read reads a page, into buf where that is large enough. It accepts what can
// be read of one.
func (f pages) read(id uint64, buf []byte) (page, error) {
	if id < 2 || id > uint64(1<<62)/uint64(f.size) {
		return page{}, fmt.Errorf("page %d: %w", id, errPage)
	}
	off := int64(id) * int64(f.size)
	if cap(buf) < f.size {
		buf = make([]byte, f.size)
	}
	p := page{buf[:f.size]}
	if _, err := f.file.ReadAt(p.buf, off); err != nil {
		return page{}, fmt.Errorf("page %d: %w", id, err)
	}
	if !p.leaf() && !p.branch() {
		return page{}, fmt.Errorf("page %d: %w", id, errPage)
	}
	if over := p.overflow(); over > 0 {
		total := int(min((over+1)*uint64(f.size), maxPage))
		if cap(p.buf) < total {
			p.buf = make([]byte, total)
		}
		n, err := f.file.ReadAt(p.buf[:total], off)
		if n < f.size {
			return page{}, fmt.Errorf("page %d: %w", id, err)
		}
		p.buf = p.buf[:n]
	}
	return p, nil
}

// inline returns the page in a bucket's value.
func inline(value []byte) (page, error) {
	if len(value) < bucketHead+pageHead {
		return page{}, fmt.Errorf("bucket: %w", errPage)
	}
	p := page{value[bucketHead:]}
	if !p.leaf() {
		return page{}, fmt.Errorf("bucket: %w", errPage)
	}
	return p, nil
}

// slice returns n bytes at an offset, or nil where they are not all there.
func (p page) slice(off, n uint64) []byte {
	if end := off + n; end <= uint64(len(p.buf)) {
		return p.buf[off:end:end]
	}
	return nil
}

// elem is an element of a leaf or a branch.
type elem struct {
	key, value []byte // of a leaf
	flags      uint32 // of a leaf
	child      uint64 // of a branch
	from, to   uint64 // the offsets of key and value
}

// element returns an element; false where it is not within the page.
func (p page) element(i int) (elem, bool) {
	if i < 0 {
		return elem{}, false
	}
	off := uint64(pageHead + i*elemLen)
	h := p.slice(off, elemLen)
	if h == nil {
		return elem{}, false
	}
	if p.branch() {
		e := elem{child: native.Uint64(h[8:])}
		k := uint64(native.Uint32(h[4:]))
		e.from = off + uint64(native.Uint32(h))
		e.to = e.from + k
		e.key = p.slice(e.from, k)
		return e, e.key != nil
	}
	e := elem{flags: native.Uint32(h)}
	k, v := uint64(native.Uint32(h[8:])), uint64(native.Uint32(h[12:]))
	e.from = off + uint64(native.Uint32(h[4:]))
	e.to = e.from + k + v
	e.key, e.value = p.slice(e.from, k), p.slice(e.from+k, v)
	return e, e.key != nil && e.value != nil
}

// bucket is where a tree begins: a page, or a page within a value.
type bucket struct {
	root  uint64
	value []byte // where root is 0
}

func openBucket(value []byte) (bucket, error) {
	if len(value) < bucketHead {
		return bucket{}, fmt.Errorf("bucket: %w", errPage)
	}
	return bucket{root: native.Uint64(value), value: value}, nil
}
