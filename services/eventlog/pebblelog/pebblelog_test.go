package pebblelog

import (
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
)

func TestMain(m *testing.M) {
	if failAsChild() || publishAsChild() {
		return
	}
	leaks.Main(m)
}

func TestSuite(t *testing.T) {
	logtest.Run(t, logtest.Options{
		Durable: true,
		Bubble:  true,
		Beside:  8 << 20,
		Open: func(t *testing.T, c logtest.Config) eventlog.Store {
			s, err := Open(c.Dir, Options{Retention: c.Retention, MaxTopics: c.MaxTopics, Keys: c.Keys, Now: c.Now, Memory: leastMemory, OnDamage: func(topic string, err error) {
				t.Errorf("damage in %s: %v", topic, err)
			}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	})
}
