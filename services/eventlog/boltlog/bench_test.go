package boltlog

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

func BenchmarkAppend(b *testing.B) {
	for _, publishers := range []int{2, 64, 1024} {
		b.Run(fmt.Sprintf("publishers=%d", publishers), func(b *testing.B) {
			_, log := open(b, b.TempDir(), Options{})
			defer log.Close()
			body := append(make([]byte, 126), "\n\n"...)
			b.SetParallelism(publishers / 2) // for each of 2 processors
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := log.Append(context.Background(), "topic", eventlog.Entry{Body: body}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkAppendKeyed(b *testing.B) {
	for _, publishers := range []int{2, 64, 1024} {
		b.Run(fmt.Sprintf("publishers=%d", publishers), func(b *testing.B) {
			_, log := open(b, b.TempDir(), Options{Keys: eventlog.KeyOptions{Most: 10_000}})
			defer log.Close()
			body, n := append(make([]byte, 126), "\n\n"...), atomic.Uint64{}
			b.SetParallelism(publishers / 2) // for each of 2 processors
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := &eventlog.Idempotency{}
					native.PutUint64(i.Key[:], n.Add(1))
					if _, err := log.Append(context.Background(), "topic", eventlog.Entry{Body: body, Idempotency: i}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkReadPage(b *testing.B) {
	for _, size := range []int{128, 2048, 64 << 10} {
		b.Run(fmt.Sprintf("body=%d", size), func(b *testing.B) {
			dir, h := b.TempDir(), history{}
			sizes := make([]int, 8<<20/size)
			for i := range sizes {
				sizes[i] = size
			}
			if len(sizes) > 5000 {
				sizes = sizes[:5000]
			}
			h.write(b, dir, Options{}, "topic", sizes...)
			s, log := open(b, dir, Options{})
			defer log.Close()
			at, last := eventlog.ID{}, h["topic"][len(sizes)-1].ID
			b.ReportAllocs()
			b.ResetTimer()
			total := 0
			for b.Loop() {
				n := 0
				err := s.Read(context.Background(), "topic", at, last, func(e eventlog.Event) bool {
					n += len(e.Body)
					at = e.ID
					return n < 128<<10
				})
				if err != nil {
					b.Fatal(err)
				}
				total += n
				if at == last {
					at = eventlog.ID{}
				}
			}
			b.ReportMetric(float64(total)/1e6/b.Elapsed().Seconds(), "MB/s")
		})
	}
}
