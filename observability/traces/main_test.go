package traces

import (
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func TestMain(m *testing.M) {
	programtest.BesideEachOther(6)
	leaks.Main(m)
}
