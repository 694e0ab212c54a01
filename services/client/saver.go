package client

import (
	"context"
	"fmt"
	"time"
)

// lastSaveTimeout is what the last save of a position may take when the
// context has ended.
const lastSaveTimeout = 5 * time.Second

// saver saves positions, not each of them and none too late.
type saver struct {
	positions Positions // may be nil
	every     time.Duration
	report    func(State)

	saved string
	last  time.Time // of the last attempt
	due   bool      // there is something to be saved
}

func (s *saver) load(ctx context.Context) (string, error) {
	if s.positions == nil {
		return "", nil
	}
	id, err := s.positions.Load(ctx)
	s.saved = id
	return id, err
}

// moved notes a position, and saves it where the last time is long enough ago.
func (s *saver) moved(ctx context.Context, id string) {
	if s.positions == nil {
		return
	}
	if s.due = id != s.saved; s.due && s.in() <= 0 {
		_ = s.save(ctx, id) // it was reported, and is tried again
	}
}

// in returns when the next save may be.
func (s *saver) in() time.Duration { return time.Until(s.last.Add(s.every)) }

// save saves a position that isn't yet.
func (s *saver) save(ctx context.Context, id string) error {
	if s.positions == nil || id == s.saved {
		return nil
	}
	s.last = time.Now()
	if err := s.positions.Save(ctx, id); err != nil {
		err = fmt.Errorf("client: save the position: %w", err)
		s.report(State{Phase: Unsaved, Err: err})
		return err
	}
	s.saved, s.due = id, false
	return nil
}
