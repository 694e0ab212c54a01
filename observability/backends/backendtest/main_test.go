package backendtest

import (
	"os"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func TestMain(m *testing.M) {
	programtest.BesideEachOther(6)
	os.Exit(m.Run())
}
