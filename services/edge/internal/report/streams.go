package report

import "sync"

// streams are the open ones of each worker: those of one that was killed have no
// end that anybody would tell of.
type streams struct {
	mu sync.Mutex // guards of; held to count only
	of map[int]int
}

func (s *streams) add(worker, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[int]int{}
	}
	s.of[worker] += n
}

// open returns how many there are, of workers that live.
func (s *streams) open(lives func(worker int) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for worker, has := range s.of {
		if !lives(worker) {
			delete(s.of, worker)
			continue
		}
		n += has
	}
	return n
}
