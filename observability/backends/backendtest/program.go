package backendtest

import "testing"

// Program returns the path of a backend's program, for tests that put it
// elsewhere.
func Program(t testing.TB, name string) string {
	t.Helper()
	return binary(t, name)
}
