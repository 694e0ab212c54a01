package boltlog

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// snapshot is the file as one transaction sees it. What it reads, it reads
// through the file.
type snapshot struct {
	pages pages
	root  bucket
	end   uint64
	tx    int
}

// view runs f on the file as it is now. Its pages stay until f returns.
func (s *Store) view(f func(snapshot) error) error {
	tx, err := s.begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(snapshot{
		pages: s.pages,
		root:  bucket{root: uint64(tx.Cursor().Bucket().Root())},
		end:   uint64(tx.Size()) / uint64(s.pages.size),
		tx:    tx.ID(),
	})
}

func (s *Store) begin() (tx *bbolt.Tx, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil { // the file was cut off while it was in use
			err = fmt.Errorf("%w: bbolt: %v", eventlog.ErrStoreFailed, p)
		}
	}()
	tx, err = s.db.Begin(false)
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return nil, eventlog.ErrClosed
	case err != nil:
		return nil, fmt.Errorf("%w: %w", eventlog.ErrStoreFailed, err)
	}
	return tx, nil
}

func (s *Store) survey() (all *survey, err error) {
	err = s.view(func(v snapshot) error {
		all, err = v.verifier().survey(v.root.root)
		return err
	})
	return all, err
}

func (v snapshot) verifier() *verifier {
	return &verifier{pages: v.pages, end: v.end, fresh: v.tx <= freshTx}
}

// update runs a transaction. A panic of bbolt is an error.
func (s *Store) update(f func(*bbolt.Tx) error) (err error) {
	if s.broken != nil {
		return s.broken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bbolt: %v", p)
			s.probe(err)
		}
	}()
	return s.db.Update(f)
}

// probe finds out whether a panic has left bbolt usable: it may have died
// with its lock held.
func (s *Store) probe(cause error) {
	free := make(chan bool, 1)
	go func() {
		defer func() { free <- recover() == nil }()
		debug.SetPanicOnFault(true)
		tx, err := s.db.Begin(true)
		if err != nil {
			panic(err)
		}
		tx.Rollback()
	}()
	select {
	case ok := <-free:
		if !ok {
			s.broken = cause
		}
	case <-time.After(5 * time.Second):
		s.broken = cause
	}
}
