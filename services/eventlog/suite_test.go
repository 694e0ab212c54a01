package eventlog_test

import (
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestMemorySuite(t *testing.T) {
	logtest.Run(t, logtest.Options{
		Bubble: true,
		Open: func(_ *testing.T, c logtest.Config) eventlog.Store {
			return eventlog.Memory(eventlog.MemoryOptions{Retention: c.Retention, MaxTopics: c.MaxTopics, Keys: c.Keys})
		},
	})
}
