package pinned

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// errHeld is the answer of tryLock while another process has the lock.
var errHeld = errors.New("held by another process")

// lock waits for the file lock at path. The system lets go of it when the
// process ends, however it does.
func lock(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		err := tryLock(f)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, errHeld) {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if !told {
			fmt.Fprintln(progress, "another process is building: waiting for it")
			told = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}
