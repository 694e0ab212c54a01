package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// reject reads stream.rejected.
func (f *following) reject(data string) bool {
	var p problem
	if json.Unmarshal([]byte(data), &p) != nil {
		return false
	}
	f.rejected = &RejectedError{Status: p.Status, Type: p.Type, Detail: p.Detail, TraceID: p.TraceID, Permanent: p.Permanent}
	return true
}

// ended decides what follows the end of a stream.
func (f *following) ended(e *ending) result {
	s := f.s
	if f.rejected != nil {
		f.rejected.RetryAfter = e.retry
		return s.refused(f.rejected)
	}
	if !f.hub && e.lastID.seen {
		s.position.moved(e.lastID) // the last id may have come without an event
		s.took(s.position.text)
	}
	r := result{err: e.why, opened: f.opened}
	if errors.Is(e.why, wire.ErrEventTooLarge) { // it would come again
		r.err = fmt.Errorf("client: an event is larger than %d bytes: raise MaxEventBytes", s.MaxEventBytes)
		r.fatal = true
	}
	if e.asked {
		s.backoff.base, s.backoff.asked = max(e.retry, shortestWait), true
	}
	if f.drained {
		r.floor, r.exactly = s.backoff.base, true
	}
	if f.expired {
		r.err = ErrExpired
	}
	return r
}

// shortestWait is the least that a server can ask for: not all mean a 0 as
// they say it.
const shortestWait = 100 * time.Millisecond
