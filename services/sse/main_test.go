package sse_test

import (
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// TestMain fails on a goroutine that outlives the tests.
func TestMain(m *testing.M) {
	programtest.BesideEachOther(8)
	leaks.Main(m)
}
