package streams

import (
	"os"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Check(m.Run())) }
