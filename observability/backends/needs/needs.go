// Package needs is for tests that need a component which may not be there.
package needs

import (
	"os"
	"testing"
)

// Missing skips a test for want of a component. Where all components are to be
// there (SLUICE_CI=1) it fails the test instead. The advice says what is
// missing and how to get it.
func Missing(t testing.TB, advice string) {
	t.Helper()
	if os.Getenv("SLUICE_CI") == "1" {
		t.Fatal(advice)
	}
	t.Skip(advice)
}
