//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/browsertest"
	"github.com/sluice-stream/sluice/services/wire"
)

// A hub with 5,000 streams is told to end, and another one starts on its data
// once it has. No client is refused for good, nobody misses an event or gets
// one twice, publishes are answered to the end, and a browser's EventSource
// comes back by itself.
func TestDrainUnderLoad(t *testing.T) {
	streams := 5000
	if most := openFiles(); most > 0 {
		streams = min(streams, most/2)
	}
	hub := newHubProcess(t, "--data", t.TempDir(), "--drain-timeout", "6s")
	p := &page{t, browsertest.Open(t), []string{"orders"}}
	p.open(hub.url("/"))
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	d := &drained{ctx: ctx, t: t, hub: hub, stop: make(chan struct{})}
	var following, feeding sync.WaitGroup
	for range streams {
		following.Go(d.follow)
	}
	await(t, "all streams are open", func() bool { return d.opens.Load() == int64(streams) })
	feeding.Go(d.feed)
	await(t, "events flow", func() bool { return d.published.Load() > 10 })

	start := time.Now()
	d.draining.Store(true)
	hub.cmd.Process.Signal(syscall.SIGTERM)
	process := hub.cmd
	<-hub.done
	took := time.Since(start)
	if code := process.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the hub ended with %d", code)
	}
	patience := time.Second
	if underRace {
		patience = 4 * time.Second // publishes themselves are slow
	}
	if quiet := time.Since(time.UnixMilli(d.answered.Load())); quiet > patience {
		t.Errorf("no publish was answered in the last %v of the hub", quiet)
	}
	hub.ended()
	t.Logf("%d streams drained in %v, %d told so, %d turned away meanwhile, %d publishes answered",
		streams, took, d.told.Load(), d.rejected.Load(), d.whileDraining.Load())
	if n := d.told.Load(); n != int64(streams) {
		t.Errorf("%d of %d streams were told of the drain", n, streams)
	}
	if took < 2*time.Second || took > 20*time.Second { // a busy machine is slow to end
		t.Errorf("the drain took %v of 6s", took)
	}

	hub.start()
	d.draining.Store(false)
	before := d.published.Load()
	await(t, "events flow again", func() bool { return d.published.Load() > before+10 })
	close(d.stop)
	feeding.Wait()
	n := d.published.Load() + 1
	d.last.Store(n)
	if !d.publish(http.DefaultClient, n) {
		t.Fatal("the last publish was lost")
	}
	following.Wait()
	await(t, "the browser is back", func() bool { return p.eval(`got.length >= %d`, n) })
	p.must(`got.every(([, data], i) => data === String(i + 1)) && got.length === %d && gaps.length === 0`, n)
}

// openFiles returns how many files this process may have open; 0: unknown.
func openFiles() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur > 1<<20 {
		return 0
	}
	return int(l.Cur)
}

// drained is the publisher and the clients of a hub that drains.
type drained struct {
	t    *testing.T
	ctx  context.Context
	hub  *hubProcess
	stop chan struct{}

	opens, told, rejected    atomic.Int64
	published, whileDraining atomic.Int64
	answered                 atomic.Int64 // when the last publish was, in milliseconds
	last                     atomic.Int64 // the number of the last event, once it is known
	draining                 atomic.Bool
}

// feed publishes numbers, each until it is answered.
func (d *drained) feed() {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for n := int64(1); ; n++ {
		for !d.publish(client, n) {
			if d.ctx.Err() != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		d.published.Store(n)
		d.answered.Store(time.Now().UnixMilli())
		if d.draining.Load() {
			d.whileDraining.Add(1)
		}
		select {
		case <-d.stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (d *drained) publish(client *http.Client, n int64) bool {
	r, err := http.NewRequestWithContext(d.ctx, http.MethodPost, d.hub.url("/v1/topics/orders/events"), strings.NewReader(fmt.Sprint(n)))
	if err != nil {
		d.t.Error(err)
		return true
	}
	r.Header.Set("Idempotency-Key", fmt.Sprint(n))
	answer, err := client.Do(r)
	if err != nil {
		if !d.draining.Load() {
			d.t.Errorf("publish %d: %v", n, err)
		}
		return false // the hub has ended
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusCreated && answer.StatusCode != http.StatusOK {
		d.t.Errorf("publish %d was answered %s", n, answer.Status)
	}
	return true
}

// follow does what an EventSource does, and checks what it gets.
func (d *drained) follow() {
	position, retry, next := "", time.Second, int64(1)
	for d.ctx.Err() == nil {
		if last := d.last.Load(); last > 0 && next > last {
			return
		}
		err := d.stream(&position, &retry, &next)
		if err != nil {
			d.t.Error(err)
			return
		}
		time.Sleep(retry * time.Duration(80+rand.IntN(40)) / 100)
	}
	d.t.Errorf("a client is stuck at %s", position)
}

// stream reads one connection to its end. An error is one that a client can
// do nothing about.
func (d *drained) stream(position *string, retry *time.Duration, next *int64) error {
	c, err := net.Dial("tcp", d.hub.public)
	if err != nil {
		return nil // the hub is away
	}
	defer c.Close()
	defer context.AfterFunc(d.ctx, func() { c.Close() })()
	query := "/v1/events?topic=orders"
	if *position != "" {
		query += "&last_event_id=" + *position
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", query, d.hub.public)
	answer, err := http.ReadResponse(bufio.NewReaderSize(c, 1<<10), nil)
	if err != nil {
		return nil
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("refused for good: %s", answer.Status)
	}
	decoder := wire.NewDecoder(answer.Body)
	for {
		m, err := decoder.Next()
		if r, ok := decoder.Retry(); ok {
			*retry = r
		}
		if err != nil {
			return nil
		}
		switch m.Type {
		case "stream.open":
			d.opens.Add(1)
			*position = m.ID
		case "stream.drain":
			d.told.Add(1)
		case "stream.rejected":
			d.rejected.Add(1)
			if strings.Contains(m.Data, `"permanent":true`) {
				return errors.New("refused for good: " + m.Data)
			}
		case "message":
			if m.Data != strconv.FormatInt(*next, 10) {
				return fmt.Errorf("got %s at %s, want %d", m.Data, m.ID, *next)
			}
			*position = m.ID
			*next++
			if last := d.last.Load(); last > 0 && *next > last {
				return nil
			}
		default:
			return fmt.Errorf("got %+v", m)
		}
	}
}
