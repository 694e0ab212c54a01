//go:build !linux && !darwin

package settings

// FileLimit returns the limit of open files; 0 where there is none.
func FileLimit() int { return 0 }
