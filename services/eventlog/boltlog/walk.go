package boltlog

import "bytes"

// walk visits the elements of a tree from a key on. It takes what can be read
// and reports the rest as damage; the order is only as good as the file, so
// what matters has to be proved by the elements. It ends for any file: no
// branch is entered twice.
type walk struct {
	pages   pages
	damaged func(error)

	stack   []level // its buffers are kept when it shrinks
	entered map[uint64]struct{}
}

type level struct {
	page page
	next int
	buf  []byte // what pages of this level are read into
}

// seek starts over at the leaf of a bucket in which a key would be.
func (w *walk) seek(b bucket, key []byte) {
	w.stack = w.stack[:0]
	clear(w.entered)
	if b.root == 0 {
		p, err := inline(b.value)
		if err != nil {
			w.damaged(err)
			return
		}
		w.push().page = p
		return
	}
	id := b.root
	for w.enter(id) {
		top := &w.stack[len(w.stack)-1]
		if top.page.leaf() {
			return
		}
		i := top.page.search(key)
		top.next = i + 1
		e, ok := top.page.element(i)
		if !ok {
			w.damaged(errPage)
			return
		}
		id = e.child
	}
}

// search returns which child of a branch a key would be in; the first where
// the keys are out of order.
func (p page) search(key []byte) int {
	found := 0
	var before []byte
	for i := range p.count() {
		e, ok := p.element(i)
		if !ok || before != nil && bytes.Compare(before, e.key) >= 0 {
			return 0
		}
		before = e.key
		if bytes.Compare(e.key, key) <= 0 {
			found = i
		}
	}
	return found
}

// enter reads a page and puts it on the stack.
func (w *walk) enter(id uint64) bool {
	n := len(w.stack)
	if n == maxDepth {
		w.damaged(errPage)
		return false
	}
	top := w.push()
	p, err := w.pages.read(id, top.buf)
	if err != nil {
		w.stack = w.stack[:n]
		w.damaged(err)
		return false
	}
	top.page, top.buf = p, p.buf
	if p.branch() {
		if _, again := w.entered[id]; again {
			w.stack = w.stack[:n]
			w.damaged(errPage)
			return false
		}
		if w.entered == nil {
			w.entered = map[uint64]struct{}{}
		}
		w.entered[id] = struct{}{}
	}
	return true
}

// push puts a level on the stack, with the buffer of the last that was there.
func (w *walk) push() *level {
	n := len(w.stack)
	if n < cap(w.stack) {
		w.stack = w.stack[:n+1]
	} else {
		w.stack = append(w.stack, level{})
	}
	w.stack[n].next = 0
	return &w.stack[n]
}

// next returns the next element of a leaf; its bytes hold until the next
// call.
func (w *walk) next() (elem, bool) {
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if top.next >= top.page.count() {
			w.stack = w.stack[:len(w.stack)-1]
			continue
		}
		e, ok := top.page.element(top.next)
		top.next++
		switch {
		case !ok:
			w.damaged(errPage)
		case top.page.leaf():
			return e, true
		default:
			w.enter(e.child)
		}
	}
	return elem{}, false
}

// get returns the value of a key in a bucket.
func (w *walk) get(b bucket, key []byte) (elem, bool) {
	w.seek(b, key)
	for {
		e, ok := w.next()
		if !ok {
			return elem{}, false
		}
		switch bytes.Compare(e.key, key) {
		case 0:
			return e, true
		case 1:
			return elem{}, false
		}
	}
}

// bucket returns a bucket within another.
func (w *walk) bucket(b bucket, name []byte) (bucket, bool) {
	e, ok := w.get(b, name)
	if !ok || e.flags != bucketFlag {
		return bucket{}, false
	}
	sub, err := openBucket(e.value)
	if err != nil {
		return bucket{}, false
	}
	sub.value = bytes.Clone(sub.value)
	return sub, true
}
