package pebblelog

import (
	"fmt"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// reserve is what appends leave free of the disk, so that the log of the
	// database never meets its end: what is in memory can still be written to
	// tables, and retention, which is what makes room, can still delete.
	reserve = 64 << 20
	// reserveShare of a small disk is enough.
	reserveShare = 10

	// How often the disk is asked: by time and by what was written since.
	spaceEvery = 10 * time.Millisecond
	spaceBytes = 4 << 20
)

// space watches how much of the disk is free. The committer owns it.
type space struct {
	fs      vfs.FS
	dir     string
	reserve int64 // 0: the constant

	asked time.Time
	bytes int   // that were written since
	full  error // as of then
}

// fullError says that the disk has no room for more events.
type fullError struct{ free, reserve uint64 }

func (e *fullError) Error() string {
	const mib = 1 << 20
	return fmt.Sprintf("no space is left: %.1f MiB of the disk are free, and %.1f are kept for what is stored already: make room, or keep less with the --retention settings",
		float64(e.free)/mib, float64(e.reserve)/mib)
}

// Is has it known as what the system would say a little later.
func (e *fullError) Is(target error) bool { return target == syscall.ENOSPC } //nolint:errorlint // one value

// check refuses appends when the disk is nearly full.
func (s *space) check(now time.Time) error {
	if now.Sub(s.asked) < spaceEvery && s.bytes < spaceBytes {
		return s.full
	}
	s.asked, s.bytes, s.full = now, 0, nil
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		return nil // it does not say
	}
	if least := s.least(usage); usage.AvailBytes < least {
		s.full = &fullError{usage.AvailBytes, least}
	}
	return s.full
}

// least is how much of a disk appends leave free.
func (s *space) least(usage vfs.DiskUsage) uint64 {
	if s.reserve > 0 {
		return uint64(s.reserve)
	}
	return min(reserve, usage.TotalBytes/reserveShare)
}
