// Package leaks finds goroutines that tests leave behind, and says which test
// it was.
package leaks

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime/pprof"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, and fails when one of them has left a
// goroutine behind. It is for TestMain, and does not return.
func Main(m *testing.M) {
	os.Exit(Check(m.Run()))
}

// Check looks for goroutines that are left once all tests have run, and returns
// the code to exit with: the given one, or 1 where that is 0 and some are left.
// Connections that http.DefaultClient keeps are not; those of other clients, and
// those whose answer nobody has closed, are.
func Check(code int) int {
	http.DefaultClient.CloseIdleConnections()
	// Of two tests that run beside each other the goroutines look the same. What
	// Of has set is printed with the state of each.
	os.Setenv("GODEBUG", strings.TrimPrefix(os.Getenv("GODEBUG")+",tracebacklabels=1", ","))
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Of has every goroutine that the calling one starts from here on, and those
// that they start, carry the name of a test. It is for the fixtures of a package.
func Of(t testing.TB) {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("test", t.Name())))
}
