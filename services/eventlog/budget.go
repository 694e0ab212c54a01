package eventlog

import "sync/atomic"

// budget is the account of the memory that resident blocks take.
type budget struct {
	limit  int64 // 0: none
	used   atomic.Int64
	births atomic.Uint64 // numbers blocks
}

func (b *budget) over() bool { return b.limit > 0 && b.used.Load() > b.limit }
