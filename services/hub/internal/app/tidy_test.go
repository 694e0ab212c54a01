package app

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTidierWaitsForTheEndOfABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Int64
		d := &tidier{free: func() { freed.Add(1) }}
		ctx, cancel := context.WithCancel(t.Context())
		go d.run(ctx)
		connect := func(n int, then time.Duration, want int64) {
			t.Helper()
			for range n {
				d.connected()
			}
			time.Sleep(then)
			synctest.Wait()
			if n := freed.Load(); n != want {
				t.Errorf("freed %d times, want %d", n, want)
			}
		}
		connect(tidyConnects-1, time.Minute, 0) // no burst
		for range 10 {
			connect(100, 4*time.Second, 0) // goes on
		}
		connect(0, time.Minute, 1)
		connect(tidyConnects-1, time.Minute, 1)
		connect(1, time.Minute, 2)
		cancel()
		synctest.Wait()
	})
}
