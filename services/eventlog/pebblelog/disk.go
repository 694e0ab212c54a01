package pebblelog

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk is the file system as the database sees it. Two of the ways in which the
// database meets trouble are not to be left to it.
//
// A log that can't be written: it would panic, holding locks, so that nothing
// can be ended in order. The first such error ends the store instead, and the
// goroutine that met it stays where it is until the process ends.
//
// A block that is damaged: reading one makes it look for the bit that has
// flipped, each time, which takes a time that grows with the square of the
// block's length; and to find what can be read behind one it is read some
// hundred times. Once it is known, reading it again fails at once.
type disk struct {
	vfs.FS
	fail  func(error)
	armed atomic.Bool // the database is open: before and after, errors are those of Open and Close
	scars scars
}

// Open implements [vfs.FS].
func (d *disk) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.Open(name, o...)
	if err != nil || !strings.HasSuffix(name, ".sst") {
		return f, err
	}
	return &tableFile{f, &d.scars, name}, nil
}

// Create implements [vfs.FS].
func (d *disk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, category)
	return d.log(name, f, err)
}

// ReuseForWrite implements [vfs.FS].
func (d *disk) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(old, name, category)
	return d.log(name, f, err)
}

// log returns a new file, which if it is of the log does not fail.
func (d *disk) log(name string, f vfs.File, err error) (vfs.File, error) {
	if !strings.HasSuffix(name, ".log") {
		return f, err
	}
	if d.check(err); err != nil {
		return nil, err
	}
	return &logFile{f, d}, nil
}

// check ends the store at an error, and does not return.
func (d *disk) check(err error) {
	if err != nil && d.armed.Load() {
		d.fail(fmt.Errorf("write to the log: %w", err))
		select {}
	}
}

// logFile is a file of the log.
type logFile struct {
	vfs.File
	disk *disk
}

// Write implements [vfs.File].
func (f *logFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.disk.check(err)
	return n, err
}

// Sync implements [vfs.File].
func (f *logFile) Sync() error {
	err := f.File.Sync()
	f.disk.check(err)
	return err
}

// SyncData implements [vfs.File].
func (f *logFile) SyncData() error {
	err := f.File.SyncData()
	f.disk.check(err)
	return err
}

// Close implements [vfs.File].
func (f *logFile) Close() error {
	err := f.File.Close()
	f.disk.check(err)
	return err
}

// tableFile is a table's file.
type tableFile struct {
	vfs.File
	scars *scars
	path  string
}

// ReadAt implements [vfs.File].
func (f *tableFile) ReadAt(p []byte, off int64) (int, error) {
	if f.scars.any.Load() && f.scars.has(f.path, off, len(p)) {
		return 0, fmt.Errorf("%w: block %d is known to be damaged", pebble.ErrCorruption, off)
	}
	return f.File.ReadAt(p, off)
}

// scars are the blocks of tables that are known to be damaged.
type scars struct {
	any atomic.Bool // whether blocks is not empty

	mu     sync.Mutex
	blocks map[block]int64 // with their lengths
	told   map[string]bool // damage that was reported
}

type block struct {
	path   string
	offset int64
}

// maxScars is how many are known.
const maxScars = 10_000

// blockOf finds a block in what the database says of it.
var blockOf = regexp.MustCompile(`block (\d+)/(\d+): .*checksum mismatch`)

// add takes up what the database has met, and reports whether it is new.
func (s *scars) add(info pebble.DataCorruptionInfo) bool {
	text := fmt.Sprintf("%s: %v", info.Path, info.Details)
	m := blockOf.FindStringSubmatch(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[text] || len(s.told) >= maxScars {
		return false
	}
	if s.told == nil {
		s.told, s.blocks = map[string]bool{}, map[block]int64{}
	}
	s.told[text] = true
	if m != nil {
		offset, _ := strconv.ParseInt(m[1], 10, 64) // digits
		length, _ := strconv.ParseInt(m[2], 10, 64)
		s.blocks[block{info.Path, offset}] = length
		s.any.Store(true)
	}
	return true
}

// has reports whether a read begins with a block that is damaged.
func (s *scars) has(path string, offset int64, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	length, ok := s.blocks[block{path, offset}]
	return ok && length <= int64(n)
}
