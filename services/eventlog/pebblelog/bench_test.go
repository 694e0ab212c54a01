package pebblelog

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// BenchmarkAppend has publishers each wait for their event to be on the disk,
// in one topic and in many. It says how many events a second that is.
func BenchmarkAppend(b *testing.B) {
	for _, topics := range []int{1, 5000} {
		for _, publishers := range []int{1, 2, 16, 64, 1024} {
			b.Run(fmt.Sprintf("topics=%d/publishers=%d", topics, publishers), func(b *testing.B) {
				benchAppend(b, topics, publishers, func(uint64) *eventlog.Idempotency { return nil })
			})
		}
	}
}

// BenchmarkAppendKeyed is the same with idempotency keys.
func BenchmarkAppendKeyed(b *testing.B) {
	for _, publishers := range []int{2, 64, 1024} {
		b.Run(fmt.Sprintf("publishers=%d", publishers), func(b *testing.B) {
			benchAppend(b, 1, publishers, func(n uint64) *eventlog.Idempotency {
				i := &eventlog.Idempotency{}
				binary.LittleEndian.PutUint64(i.Key[:], n)
				return i
			})
		})
	}
}

func benchAppend(b *testing.B, topics, publishers int, once func(uint64) *eventlog.Idempotency) {
	s, err := Open(b.TempDir(), Options{Keys: eventlog.KeyOptions{Most: 10_000}})
	if err != nil {
		b.Fatal(err)
	}
	log, err := eventlog.Open(s, eventlog.Options{MemoryBudget: 128 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("topic-%d", i)
	}
	data, n := []byte(strings.Repeat("x", 200)), atomic.Uint64{}
	b.ReportAllocs()
	b.ResetTimer()
	each(b, publishers, func() error {
		i := n.Add(1)
		e := eventlog.Entry{Record: eventlog.Record{Data: data}, Idempotency: once(i)}
		_, err := log.Append(context.Background(), names[i*7919%uint64(topics)], e)
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// each shares b.N calls among goroutines.
func each(b *testing.B, goroutines int, call func() error) {
	left := atomic.Int64{}
	left.Store(int64(b.N))
	done := make(chan struct{})
	for range goroutines {
		go func() {
			defer func() { done <- struct{}{} }()
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	for range goroutines {
		<-done
	}
}

// BenchmarkWriteSync is what the disk allows a single publisher: a write of as
// many bytes, and fsync.
func BenchmarkWriteSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	data := []byte(strings.Repeat("x", 200))
	for b.Loop() {
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkReadPage reads a topic page by page, as those who resume do.
func BenchmarkReadPage(b *testing.B) {
	for _, size := range []int{128, 2048, 64 << 10} {
		b.Run(fmt.Sprintf("data=%d", size), func(b *testing.B) {
			dir := b.TempDir()
			s, log := open(b, dir, Options{Memory: defaultMemory})
			entries := make([]eventlog.Entry, min(8<<20/size, 5000))
			for i := range entries {
				entries[i] = eventlog.TextEntry("", strings.Repeat("x", size))
			}
			results := log.AppendAll(context.Background(), "topic", entries)
			if err := log.Close(); err != nil {
				b.Fatal(err)
			}
			s, log = open(b, dir, s.options)
			defer log.Close()
			at, last, total := eventlog.ID{}, results[len(results)-1].Receipt.ID, 0
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				err := s.Read(context.Background(), "topic", at, last, func(e eventlog.Event) bool {
					n += len(e.Data)
					at = e.ID
					return n < 128<<10
				})
				if err != nil {
					b.Fatal(err)
				}
				if total += n; at == last {
					at = eventlog.ID{}
				}
			}
			b.ReportMetric(float64(total)/1e6/b.Elapsed().Seconds(), "MB/s")
		})
	}
}
