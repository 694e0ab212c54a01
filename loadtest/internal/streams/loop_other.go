//go:build !linux

package streams

func newDriver(s *Set) (driver, error) { return newGoroutines(s), nil }
