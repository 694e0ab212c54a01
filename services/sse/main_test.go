package sse_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails on a goroutine that outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
