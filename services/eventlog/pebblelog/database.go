package pebblelog

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// The format of the database's files: the first whose tables have a checksum
// in their footers. With one before WAL sync chunks, a torn end of the log would
// pass for its end.
const format = pebble.FormatTableFormatV6

const (
	defaultMemory = 32 << 20
	leastMemory   = 4 << 20
	openTables    = 256
)

// databaseOptions are those of the database. The cache is to be released when
// it is open.
func (s *Store) databaseOptions() *pebble.Options {
	memory := s.options.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	memory = max(memory, leastMemory)
	listener := s.events()
	o := &pebble.Options{
		FS:                 s.disk,
		FormatMajorVersion: format,
		Logger:             logger{s},
		EventListener:      &listener,
		// A quarter for blocks that were read. Of tables in memory there are up to
		// three: one that is written to, and two on their way to the disk.
		Cache:                       pebble.NewCache(memory / 4),
		MemTableSize:                uint64(min(memory/4, 64<<20)),
		MemTableStopWritesThreshold: 3,
		MaxOpenFiles:                openTables,
		// So that the disk gets back what retention took, without a restart.
		FlushDelayDeleteRange: 5 * time.Second,
		// A table that is lost is a gap for some readers. All others go on.
		DisableConsistencyCheck: true,
	}
	o.Experimental.ReadSamplingMultiplier = -1 // reads cause no compactions
	return o
}

// events are what the store wants to know of its database.
func (s *Store) events() pebble.EventListener {
	return pebble.EventListener{
		BackgroundError: func(err error) { s.watch.failed(err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			if s.disk.scars.add(info) {
				s.options.OnDamage("", fmt.Errorf("%s: %w", info.Path, info.Details))
			}
		},
		CompactionEnd: func(info pebble.CompactionInfo) {
			if info.Err != nil && pebble.IsCorruptionError(info.Err) {
				s.watch.corrupt(info.Err)
			}
		},
		WriteStallBegin: func(pebble.WriteStallBeginInfo) { s.watch.stall() },
		WriteStallEnd:   func() { s.watch.stallEnd() },
	}
}

// logger takes what the database says. Its events say the same, so only what
// ends it counts.
type logger struct{ store *Store }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

// Fatalf must not return: the database would go on as if nothing had happened,
// and acknowledge what is lost or delete what is still needed. The goroutine
// stays, and with it what it holds, until the process ends.
func (l logger) Fatalf(format string, args ...any) {
	l.store.fail(fmt.Errorf(format, args...))
	select {}
}

// fail ends the store: nothing is acknowledged any more.
func (s *Store) fail(err error) {
	err = fmt.Errorf("%w: nothing is acknowledged any more: restart the hub when the cause is mended", err)
	if s.broken.CompareAndSwap(nil, &err) {
		close(s.failed)
		s.options.OnFailure(err)
	}
}

func (s *Store) failure() error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	return nil
}
