package boltlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// fileName is the data file's name in its folder.
const fileName = "sluice.db"

// Options are what a Store is opened with. The zero value keeps everything.
type Options struct {
	Retention eventlog.Retention
	// MaxTopics bounds the topics that exist at a time. 0: no limit.
	MaxTopics int
	// Keys say how long idempotency keys are remembered.
	Keys eventlog.KeyOptions
	// Now is the clock of ids and of retention by age; nil: time.Now.
	Now func() time.Time
	// OnDamage is called whenever damage is met: by a reader that is told of a
	// gap, by a commit that sets a topic aside, at opening. The topic is "" where
	// it is in the idempotency keys. It may be called from several goroutines and
	// must not call the store.
	OnDamage func(topic string, err error)
}

// Store is the durable embedded store. It implements [eventlog.Store].
type Store struct {
	// static
	options Options
	path    string
	db      *bbolt.DB
	file    *os.File // db's
	pages   pages
	queue   chan *request
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed by the committer

	maxFreelist int // free pages that are worth listing with every commit

	suspect atomic.Bool // damage was found

	// closing is held for reading while an append is put into the queue, so
	// that nothing is put there after Close holds it.
	closing sync.RWMutex
	closed  bool

	// owned by the committer, before it runs by Open and Start
	sink   eventlog.Sink
	clock  eventlog.Clock
	floor  eventlog.ID // the highest id of any topic that was forgotten
	bytes  int64       // of all topics
	stale  bool        // a commit failed: the file may hold more than topics
	broken error       // bbolt can't be used any more
	asides bool        // something was set aside at some time

	keysTrimmed eventlog.ID // the file has no key at or below
	keyAsides   int         // how often the keys were set aside

	// topics and keys are written by the committer only, holding mu; so it
	// reads them without.
	mu     sync.RWMutex
	topics map[string]*topic
	keys   *eventlog.Keys
}

// topic is what the store knows of one. It is replaced, never changed.
type topic struct {
	eventlog.State
	aside []aside // earlier pages that are still read, rising
}

// Open opens the data file in a folder, creating both where they are missing.
// Its errors say what to do about them.
func Open(dir string, o Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the data folder: %w: choose one that can be written with --data", err)
	}
	if o.OnDamage == nil {
		o.OnDamage = func(string, error) {}
	}
	s := &Store{
		options:     o,
		path:        filepath.Join(dir, fileName),
		clock:       eventlog.Clock{Now: o.Now},
		topics:      map[string]*topic{},
		keys:        eventlog.NewKeys(o.Keys),
		queue:       make(chan *request, queueLen),
		maxFreelist: maxFreelist,
		stop:        make(chan struct{}),
		stopped:     make(chan struct{}),
	}
	if err := s.open(); err != nil {
		return nil, s.advise(dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	lost, created := false, true
	var keys error // what is wrong with the keys
	if info, err := os.Stat(s.path); err == nil && info.Size() > 0 {
		created = false
		if lost, keys, err = checkFile(s.path); err != nil {
			return err
		}
	}
	if err := s.openDB(); err != nil {
		return err
	}
	s.pages = pages{s.file, s.db.Info().PageSize}
	err := s.load(lost, keys)
	if err == nil && created {
		err = syncFolder(filepath.Dir(s.path))
	}
	if err != nil {
		s.db.Close()
	}
	return err
}

// openDB opens the file for writing. Whatever bbolt does to a file that it
// can't open, it must not keep its lock.
func (s *Store) openDB() (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
		if err != nil && s.file != nil {
			s.file.Close()
		}
	}()
	o := *bboltOptions
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		s.file, err = os.OpenFile(name, flag, mode)
		return s.file, err
	}
	if runtime.GOOS != "windows" && ^uint(0)>>63 == 1 {
		// Growing the mapping waits for all readers; address space is free. On
		// Windows the file itself would get this long, on 32 bits it may not fit.
		o.InitialMmapSize = 1 << 30
	}
	s.db, err = bbolt.Open(s.path, 0o600, &o)
	return err
}

var bboltOptions = &bbolt.Options{
	Timeout:      time.Second, // for the file's lock
	FreelistType: bbolt.FreelistMapType,
}

// syncFolder makes a new file's name durable, where folders can be synced.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// advise turns what went wrong into what to do.
func (s *Store) advise(dir string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("another hub uses %s: stop it, or give this one another folder with --data", dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the data file %s can't be written (%w): change its owner or mode, or choose another folder with --data", s.path, err)
	case errors.Is(err, errNewer):
		return fmt.Errorf("the data file %s was written by another release (%w): run that one, or move the file away to start empty", s.path, err)
	case errors.Is(err, errDamaged):
		return fmt.Errorf("the data file %s is damaged (%w): restore it from a backup, or move it away to start empty", s.path, err)
	}
	return fmt.Errorf("open the data file %s: %w", s.path, err)
}
