package sse

import "sync"

// directory finds open streams by their ids. It is many small ones, so that
// pongs do not wait for handshakes, nor for each other.
type directory struct {
	shards [64]directoryShard
}

type directoryShard struct {
	mu      sync.RWMutex // guards streams
	streams map[[16]byte]*session
}

// shard returns where an id belongs: ids are random.
func (d *directory) shard(id [16]byte) *directoryShard { return &d.shards[int(id[0])%len(d.shards)] }

func (d *directory) get(id [16]byte) *session {
	s := d.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.streams[id]
}

func (d *directory) add(x *session) {
	s := d.shard(x.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[[16]byte]*session{}
	}
	s.streams[x.id] = x
}

func (d *directory) remove(id [16]byte) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, id)
}

// all returns the open streams. Of those that come and go meanwhile it may
// have some.
func (d *directory) all() []*session {
	var all []*session
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.RLock()
		for _, x := range s.streams {
			all = append(all, x)
		}
		s.mu.RUnlock()
	}
	return all
}
