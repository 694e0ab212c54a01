package pebblelog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

// folder is where the database is, in the data folder.
const folder = "events"

// oldFile is what releases before this store kept events in.
const oldFile = "sluice.db"

// Options are what a Store is opened with. The zero value keeps everything.
type Options struct {
	Retention eventlog.Retention
	// MaxTopics bounds the topics that exist at a time. 0: no limit.
	MaxTopics int
	// Keys say how long idempotency keys are remembered.
	Keys eventlog.KeyOptions
	// Memory is what the database may take for the blocks that it has read and
	// for what is not in its tables yet, in bytes. 0: 32 MiB.
	Memory int64
	// Now is the clock of ids and of retention by age; nil: time.Now.
	Now func() time.Time
	// OnDamage is called whenever damage is met: by a reader that is told of a
	// gap, by a compaction, at opening. The topic is "" where it is in none. It
	// may be called from several goroutines and must not call the store.
	OnDamage func(topic string, err error)
	// OnFailure is called once, when the store can't go on: from then on every
	// append fails, and only a restart helps. As OnDamage.
	OnFailure func(error)

	fs      vfs.FS // nil: the system's
	reserve int64  // bytes of the disk that are left free; 0: reserve
}

// Store is the durable embedded store. It implements [eventlog.Store].
type Store struct {
	// static
	options Options
	dir     string
	db      *pebble.DB
	queue   chan *request
	steps   chan *step
	flying  chan *group // to the confirmer
	// stop is closed by Close; the others by the goroutines that they are of.
	stop, committed, confirmed, retained chan struct{}
	watch                                watch
	disk                                 *disk

	broken atomic.Pointer[error] // why the store can't go on
	failed chan struct{}         // closed with it

	// closing is held for reading while an append is put into the queue, so
	// that nothing is put there after Close holds it.
	closing sync.RWMutex
	closed  bool

	// asked is held for reading while the database is asked for figures, so that
	// it is not closed meanwhile. Close does not wait for it where the database is
	// broken.
	asked sync.RWMutex
	shut  bool

	sink eventlog.Sink // set by Start

	// owned by the committer, before it runs by Open and Start
	clock       eventlog.Clock
	floor       eventlog.ID       // the highest id of any topic that was forgotten
	planned     map[string]*topic // as they are when all that was handed over is on the disk
	keysGone    eventlog.ID       // the database has no idempotency key at or below
	key, record []byte            // for one at a time
	space       space
	crowd       bool // the last group had several requests

	// topics is written by the confirmer, and cut in it by the committer; keys
	// are written by the committer, which reads them without mu.
	mu     sync.RWMutex
	topics map[string]known
	keys   *eventlog.Keys // with those of appends that are under way
}

// Open opens the database in a folder, creating both where they are missing.
// Its errors say what to do about them.
func Open(dir string, o Options) (*Store, error) {
	if o.OnDamage == nil {
		o.OnDamage = func(string, error) {}
	}
	if o.OnFailure == nil {
		o.OnFailure = func(error) {}
	}
	if o.fs == nil {
		o.fs = vfs.Default
	}
	s := &Store{
		options:   o,
		dir:       o.fs.PathJoin(dir, folder),
		clock:     eventlog.Clock{Now: o.Now},
		planned:   map[string]*topic{},
		topics:    map[string]known{},
		keys:      eventlog.NewKeys(o.Keys),
		queue:     make(chan *request, queueLen),
		steps:     make(chan *step),
		flying:    make(chan *group, flying),
		stop:      make(chan struct{}),
		committed: make(chan struct{}),
		confirmed: make(chan struct{}),
		retained:  make(chan struct{}),
		failed:    make(chan struct{}),
	}
	s.disk = &disk{FS: o.fs, fail: s.fail}
	s.watch.damage = make(chan error, 1)
	s.space = space{fs: o.fs, dir: s.dir, reserve: o.reserve}
	if err := s.open(dir); err != nil {
		return nil, s.advise(dir, err)
	}
	return s, nil
}

func (s *Store) open(dir string) error {
	fs := s.options.fs
	if _, err := fs.Stat(fs.PathJoin(dir, oldFile)); err == nil {
		return errOld
	}
	if err := s.makeFolders(dir); err != nil {
		return err
	}
	fresh, err := s.fresh()
	if err != nil {
		return err
	}
	o := s.databaseOptions()
	defer o.Cache.Unref()
	o.ErrorIfNotExists = !fresh
	if s.db, err = s.openDatabase(o); err != nil {
		return err
	}
	s.disk.armed.Store(true)
	if err := s.load(); err != nil {
		_ = s.db.Close() // the first error says more
		return err
	}
	return nil
}

// makeFolders makes the folders, and their names durable.
func (s *Store) makeFolders(dir string) error {
	fs := s.options.fs
	if err := fs.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	for _, parent := range []string{dir, fs.PathDir(dir)} {
		d, err := fs.OpenDir(parent)
		if err != nil {
			return err
		}
		err = d.Sync()
		if closing := d.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fresh reports whether nothing was written to the folder yet. The database
// takes one that lost the file which names its manifest for that, too.
func (s *Store) fresh() (bool, error) {
	fs := s.options.fs
	names, err := fs.List(s.dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		switch filepath.Ext(name) {
		case ".sst":
			return false, nil
		case ".log":
			if info, err := fs.Stat(fs.PathJoin(s.dir, name)); err != nil || info.Size() > 0 {
				return false, err
			}
		}
	}
	return true, nil
}

// openDatabase opens the database, which panics at some damage, and at some
// does not come back.
func (s *Store) openDatabase(o *pebble.Options) (db *pebble.DB, err error) {
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%w: %v", stored.ErrDamaged, p)
			}
		}()
		db, err = pebble.Open(s.dir, o)
	}()
	select {
	case <-opened:
		return db, err
	case <-s.failed:
		return nil, s.failure()
	}
}

var errOld = errors.New("kept by the store bolt of an earlier release")

// advise turns what went wrong into what to do.
func (s *Store) advise(dir string, err error) error {
	switch {
	case errors.Is(err, errOld):
		return fmt.Errorf("the events in %s are in %s, which is %w: this one can't read them; run that release to read them, and give this one another folder with --data, or move the file away to start empty", dir, filepath.Join(dir, oldFile), err)
	case locked(err):
		return fmt.Errorf("another hub uses %s: stop it, or give this one another folder with --data", dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the data folder %s can't be written (%w): change its owner or mode, or choose another folder with --data", dir, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk of the data folder %s is full (%w): make room, or choose another folder with --data", dir, err)
	case errors.Is(err, stored.ErrNewer), strings.Contains(err.Error(), "format major version"):
		return fmt.Errorf("the data folder %s was written by another release (%w): run that one, or move the folder away to start empty", dir, err)
	case damaged(err), errors.Is(err, pebble.ErrDBDoesNotExist), errors.Is(err, fs.ErrNotExist), s.failure() != nil:
		return fmt.Errorf("the data folder %s is damaged (%w): restore it from a backup, or move it away to start empty", dir, err)
	}
	return fmt.Errorf("open the data folder %s: %w: if it is not as a hub left it, restore it from a backup, or move it away to start empty", dir, err)
}

// locked reports whether another process, or this one, has the folder.
func locked(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) && strings.Contains(err.Error(), "LOCK") ||
		strings.Contains(err.Error(), "lock held by current process")
}
