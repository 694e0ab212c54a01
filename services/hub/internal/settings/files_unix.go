//go:build linux || darwin

package settings

import "syscall"

// FileLimit raises the limit of open files as far as it may go and returns
// it; 0 where there is none to be known.
func FileLimit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	if l.Cur < l.Max {
		raised := syscall.Rlimit{Cur: l.Max, Max: l.Max}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			l = raised
		}
	}
	if l.Cur > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
