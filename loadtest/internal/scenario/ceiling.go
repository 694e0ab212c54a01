package scenario

import (
	"context"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/bare"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// Of the bare loop, by what its ceiling is found.
const (
	ceilingStreams    = 1000
	ceilingPublishers = 16
)

// measureCeiling finds how much this program could take and give, with a server
// that does nothing but write: what a hub reaches can be held against it, and
// shows whether the load test is what is measured.
func (r *runner) measureCeiling() error {
	if r.ceiling == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(r.ctx)
	address, c, err := bare.Process(ctx, r.command, r.out)
	if err != nil {
		cancel()
		return err
	}
	defer func() {
		cancel()
		_ = c.Wait() // it was ended
	}()
	j := crew.Job{Run: newRun(), Hubs: []crew.Address{{URL: address}}, Paths: target.HubPaths(), Topics: []string{"bare"}, TopicsEach: 1,
		Lanes: ceilingPublishers, Connections: ceilingPublishers, Sizes: r.sizes, Late: time.Hour, Spread: true}
	_, rate, err := r.bareRun(j)
	if err != nil {
		return err
	}
	r.note("ceiling_publishes_per_s", rate)
	if r.streams == 0 {
		return nil
	}
	j.Run, j.Streams = newRun(), min(r.streams, ceilingStreams)
	rate, _, err = r.bareRun(j)
	r.note("ceiling_deliveries_per_s", rate)
	return err
}

// bareRun publishes to the bare loop as fast as it answers, and returns what was
// delivered and published in a second.
func (r *runner) bareRun(j crew.Job) (delivered, published float64, err error) {
	c, err := crew.Start(r.ctx, r.processes, append(r.command, "worker"), r.out)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	if err := c.Prepare(j); err != nil {
		return 0, 0, err
	}
	if err := c.Open(time.Now(), 0); err != nil {
		return 0, 0, err
	}
	if _, err := c.Settle(make([]account.Lane, j.Lanes), 5*time.Second); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	lanes, err := c.Publish(crew.Publishing{Plan: publishers.Plan{For: r.ceiling / 2, Batch: 1}, From: began, Patience: 5 * time.Second})
	if err != nil {
		return 0, 0, err
	}
	answered := time.Since(began)
	settled, err := c.Settle(lanes, 10*time.Second)
	n := uint64(0)
	for _, l := range lanes {
		n += uint64(l.Last)
	}
	if took := settled.At.Sub(began).Seconds(); took > 0 {
		delivered = float64(settled.Delivered) / took
	}
	return delivered, float64(n) / answered.Seconds(), err
}
