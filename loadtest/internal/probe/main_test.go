package probe

import (
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }
