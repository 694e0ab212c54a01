package pebblelog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestFullDisk fills the disk under a store: publishers are told before the
// database meets the end, readers go on, duplicates are answered, and when there
// is room again the store works as if nothing had been.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		needs.Missing(t, "a small file system can't be mounted here, which takes root: "+err.Error())
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	h := history{}
	o := Options{OnDamage: sound(t), OnFailure: func(err error) { t.Errorf("the store can't go on: %v", err) }}
	s, log := open(t, dir, o)
	first := eventlog.TextEntry("", "x")
	first.Idempotency = &eventlog.Idempotency{Key: [16]byte{1}}
	receipt, err := log.Append(context.Background(), "known", first)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := 0; failed < 20; i++ {
		topic := []string{"a", "b", "c"}[i%3]
		if err := h.noise(log, topic, 20_000); err != nil {
			if !errors.Is(err, eventlog.ErrStoreFailed) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space") {
				t.Fatalf("append to a full disk: %v", err)
			}
			failed++
			time.Sleep(spaceEvery)
		}
		if i > 3000 {
			t.Fatal("the disk is never full")
		}
	}
	h.check(t, log)
	if r, err := log.Append(context.Background(), "known", first); err != nil || r != (eventlog.Receipt{ID: receipt.ID, Duplicate: true}) {
		t.Errorf("a duplicate: %+v, %v", r, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	time.Sleep(spaceEvery)
	for range 10 {
		for _, topic := range []string{"a", "b", "c", "new"} {
			if err := h.append(log, topic, 1000); err != nil {
				t.Fatalf("append when there is room again: %v", err)
			}
		}
	}
	for range 2 {
		if missing := h.check(t, log); missing > 0 {
			t.Errorf("%d events are missing", missing)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		s, log = open(t, dir, s.options)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullDiskIsEmptied has retention make room on a full disk.
func TestFullDiskIsEmptied(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		needs.Missing(t, "a small file system can't be mounted here, which takes root: "+err.Error())
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	o := Options{OnDamage: sound(t), OnFailure: func(err error) { t.Errorf("the store can't go on: %v", err) }, Retention: eventlog.Retention{Age: 5 * time.Second}}
	_, log := open(t, dir, o)
	defer log.Close()
	h := history{}
	for i := 0; h.noise(log, "a", 20_000) == nil; i++ {
		if i > 3000 {
			t.Fatal("the disk is never full")
		}
	}
	for deadline := time.Now().Add(2 * time.Minute); h.append(log, "a", 100) != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the disk stays full")
		}
	}
	h.check(t, log)
}
