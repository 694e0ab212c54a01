package boltlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestFullDisk fills the disk under a store: publishers are told, readers go
// on, and when there is room again the store works as if nothing had been.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("a small file system can't be mounted here, which takes root: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	h := history{}
	s, log := open(t, dir, Options{OnDamage: func(topic string, err error) { t.Error(topic, err) }})
	failed := 0
	for i := 0; failed < 20; i++ {
		topic := []string{"a", "b", "c"}[i%3]
		if err := h.append(t, log, topic, 20_000); err != nil {
			if !errors.Is(err, eventlog.ErrStoreFailed) || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("append to a full disk: %v", err)
			}
			failed++
		}
		if i > 1000 {
			t.Fatal("the disk is never full")
		}
	}
	h.check(t, log)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		for _, topic := range []string{"a", "b", "c", "new"} {
			if err := h.append(t, log, topic, 1000); err != nil {
				t.Fatalf("append when there is room again: %v", err)
			}
		}
	}
	if missing := h.check(t, log); missing > 0 {
		t.Errorf("%d events are missing", missing)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	s, log = open(t, dir, s.options)
	defer log.Close()
	if missing := h.check(t, log); missing > 0 {
		t.Errorf("%d events are missing after opening again", missing)
	}
	if _, err := s.Append(context.Background(), "a", eventlog.Entry{}); err != nil {
		t.Error(err)
	}
}
