package pebblelog

import (
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestFigures asks while events come and the store closes: it is a scrape that
// nobody waits for.
func TestFigures(t *testing.T) {
	h := history{}
	s, log := open(t, t.TempDir(), Options{})
	for range 100 {
		if err := h.append(log, "topic", 5000); err != nil {
			t.Fatal(err)
		}
	}
	f := s.Figures()
	if f.LogBytes < 100_000 || f.LogWritten < 100_000 || f.FreeBytes <= f.ReserveBytes || f.ReserveBytes <= 0 || f.Failures+f.Stalls > 0 {
		t.Errorf("%+v", f)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if f := s.Figures(); f.TableBytes == 0 || f.TableWritten == 0 || f.ReadAmplification == 0 {
		t.Errorf("with a table: %+v", f)
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		for s.Figures() != (Figures{}) {
		}
	})
	if _, err := log.Append(t.Context(), "topic", eventlog.Entry{}); err != nil {
		t.Error(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	asking.Wait()
}
