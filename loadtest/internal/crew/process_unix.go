//go:build unix

package crew

import (
	"os"
	"syscall"
	"time"
)

// ProcessorTime returns the seconds that this process took of processors.
func ProcessorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func processID() int { return os.Getpid() }
