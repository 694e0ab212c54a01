package sockets

// slots are the connections of a loop, by number.
type slots struct {
	conns       []*Conn
	generations []int32
	free        []int32
}

func (s *slots) add(c *Conn) Ref {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.conns[i] = c
		return Ref{i, s.generations[i]}
	}
	s.conns = append(s.conns, c)
	s.generations = append(s.generations, 0)
	return Ref{int32(len(s.conns) - 1), 0}
}

func (s *slots) get(r Ref) *Conn {
	if s.generations[r.Index] != r.Generation {
		return nil
	}
	return s.conns[r.Index]
}

func (s *slots) remove(r Ref) {
	s.conns[r.Index] = nil
	s.generations[r.Index]++
	s.free = append(s.free, r.Index)
}

// all returns the open connections.
func (s *slots) all() []*Conn {
	var all []*Conn
	for _, c := range s.conns {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}
