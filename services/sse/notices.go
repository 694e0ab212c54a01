package sse

import "sync"

// notices calls the observer from a goroutine of its own, in order, so that
// an observer that writes a log line cannot hold up a delivery loop.
type notices struct {
	mu     sync.Mutex
	queue  []func()
	closed bool
	signal chan struct{}
	done   chan struct{}
}

func (n *notices) start() {
	n.signal, n.done = make(chan struct{}, 1), make(chan struct{})
	go n.run()
}

func (n *notices) post(f func()) {
	n.mu.Lock()
	n.queue = append(n.queue, f)
	n.mu.Unlock()
	wake(n.signal)
}

func (n *notices) run() {
	defer close(n.done)
	for range n.signal {
		n.mu.Lock()
		queue, closed := n.queue, n.closed
		n.queue = nil
		n.mu.Unlock()
		for _, f := range queue {
			f()
		}
		if closed {
			return
		}
	}
}

// stop returns when everything that was posted has been told.
func (n *notices) stop() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	wake(n.signal)
	<-n.done
}

// wake sets a coalescing signal.
func wake(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
