package pebblelog

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/errors"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// scars are the blocks of tables that are known to be damaged. Reading one again
// fails at once: the database would look for the bit that has flipped each time,
// which takes a time that grows with the square of the block's length, and to
// find what can be read behind one it is read some hundred times.
type scars struct {
	vfs.FS
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

// Open implements [vfs.FS].
func (s *scars) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.Open(name, o...)
	if err != nil || !strings.HasSuffix(name, ".sst") {
		return f, err
	}
	return &scarred{f, s, name}, nil
}

// scarred is a table's file.
type scarred struct {
	vfs.File
	scars *scars
	path  string
}

// ReadAt implements [vfs.File].
func (f *scarred) ReadAt(p []byte, off int64) (int, error) {
	if f.scars.any.Load() && f.scars.has(f.path, off, len(p)) {
		return 0, errors.Mark(errors.Newf("block %d is known to be damaged", off), pebble.ErrCorruption)
	}
	return f.File.ReadAt(p, off)
}
