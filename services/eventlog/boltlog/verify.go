package boltlog

import (
	"bytes"
	"fmt"
)

// verifier reads trees as strictly as bbolt needs them to be: every page is
// what it says it is, its elements lie one behind the other as they were
// written, its keys rise within the bounds that its parent gives, and it is
// as long as its content. What it has passed holds no trap for bbolt.
type verifier struct {
	pages pages
	end   uint64                   // the first page that the file does not have
	fresh bool                     // whether nothing may have been written yet
	claim func(id, n uint64) error // is told every page that is visited; nil: nobody is
	known map[uint64]page          // what has passed; nil: nothing is kept
	held  int64                    // bytes of known
}

// fence is the range in which the keys of a page must be.
type fence struct {
	min, max []byte // max: the first key that is too high; nil: no bound
}

func (f fence) holds(key []byte) bool {
	return bytes.Compare(f.min, key) <= 0 && (f.max == nil || bytes.Compare(key, f.max) < 0)
}

func (v *verifier) read(id uint64, f fence) (page, error) {
	if p, ok := v.known[id]; ok {
		return p, nil
	}
	if id < 2 || id >= v.end {
		return page{}, fmt.Errorf("page %d: %w", id, errPage)
	}
	p, err := v.pages.read(id, nil)
	if err != nil {
		return p, err
	}
	if p.id() != id {
		return p, fmt.Errorf("page %d says it is page %d", id, p.id())
	}
	used, err := p.verify(f)
	if err == nil && p.count() == 0 && f.min != nil {
		err = fmt.Errorf("an empty page below another")
	}
	if err != nil {
		return p, fmt.Errorf("page %d: %w", id, err)
	}
	n := (used + uint64(v.pages.size) - 1) / uint64(v.pages.size)
	if p.overflow()+1 != n {
		return p, fmt.Errorf("page %d: %d pages for %d bytes", id, p.overflow()+1, used)
	}
	if v.claim != nil {
		err = v.claim(id, n)
	}
	if v.known != nil && err == nil {
		v.known[id] = p
		v.held += int64(len(p.buf))
	}
	return p, err
}

// verify checks the content of a page and returns how many bytes it takes.
func (p page) verify(f fence) (uint64, error) {
	n := p.count()
	if n == 0 && p.branch() {
		return 0, fmt.Errorf("empty branch")
	}
	off := uint64(pageHead + n*elemLen)
	var before []byte
	for i := range n {
		e, ok := p.element(i)
		if !ok || e.from != off || len(e.key) == 0 {
			return 0, fmt.Errorf("element %d is out of place", i)
		}
		if before != nil && bytes.Compare(before, e.key) >= 0 || !f.holds(e.key) {
			return 0, fmt.Errorf("key %d is out of order", i)
		}
		off, before = e.to, e.key
	}
	return off, nil
}

// fence returns the bounds of child i of a branch within its own.
func (p page) fence(i int, f fence) fence {
	e, _ := p.element(i)
	f.min = e.key
	if next, ok := p.element(i + 1); ok && i+1 < p.count() {
		f.max = next.key
	}
	return f
}

// open verifies where a bucket begins.
func (v *verifier) open(b bucket, f fence) (page, error) {
	if b.root != 0 {
		return v.read(b.root, f)
	}
	p, err := inline(b.value)
	if err != nil {
		return p, err
	}
	used, err := p.verify(f)
	if err == nil && (used != uint64(len(p.buf)) || p.overflow() != 0) {
		err = fmt.Errorf("bucket of %d bytes holds %d", len(p.buf), used)
	}
	return p, err
}

// all visits the leaves of a bucket from the first on until visit returns
// false. What stands beside the place where that happens is verified too,
// since bbolt merges neighbours.
func (v *verifier) all(b bucket, visit func(leaf page) (bool, error)) error {
	p, err := v.open(b, fence{})
	if err == nil {
		_, err = v.subtree(p, fence{}, 1, visit)
	}
	return err
}

func (v *verifier) subtree(p page, f fence, depth int, visit func(page) (bool, error)) (more bool, err error) {
	if p.leaf() {
		return visit(p)
	}
	if depth == maxDepth {
		return false, errPage
	}
	more = true
	for i := range p.count() {
		e, _ := p.element(i)
		within := p.fence(i, f)
		child, err := v.read(e.child, within)
		if err != nil || !more { // then it is the neighbour
			return false, err
		}
		if more, err = v.subtree(child, within, depth+1, visit); err != nil {
			return false, err
		}
	}
	return more, nil
}

// each visits elements, for all.
func each(f func(elem) error) func(page) (bool, error) {
	return func(leaf page) (bool, error) {
		for i := range leaf.count() {
			e, _ := leaf.element(i)
			if err := f(e); err != nil {
				return false, err
			}
		}
		return true, nil
	}
}

// path verifies the way to where a key is or would be, and returns the leaf.
// With beside, it verifies the neighbours of each page on the way too, for
// bbolt may merge them when something is deleted.
func (v *verifier) path(b bucket, key []byte, beside bool) (page, error) {
	f := fence{}
	p, err := v.open(b, f)
	for depth := 1; err == nil && p.branch(); depth++ {
		if depth > maxDepth {
			return p, errPage
		}
		i := p.search(key)
		for _, n := range []int{i - 1, i + 1} {
			if e, ok := p.element(n); ok && beside && n < p.count() {
				if _, err := v.read(e.child, p.fence(n, f)); err != nil {
					return p, err
				}
			}
		}
		e, _ := p.element(i)
		f = p.fence(i, f)
		p, err = v.read(e.child, f)
	}
	return p, err
}

// find returns the element of a key in a leaf.
func (p page) find(key []byte) (elem, bool) {
	for i := range p.count() {
		if e, ok := p.element(i); ok && bytes.Equal(e.key, key) {
			return e, true
		}
	}
	return elem{}, false
}
