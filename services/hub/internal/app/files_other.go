//go:build !linux && !darwin

package app

// fileLimit returns the limit of open files; 0 where there is none.
func fileLimit() int { return 0 }
