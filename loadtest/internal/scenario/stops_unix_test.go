//go:build unix

package scenario

import (
	"cmp"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
)

// A hub that stands still for one sixtieth of the time shows in the 99th
// percentile. Who asks anew only after each answer cannot see it there: while the
// hub stands still he asks nothing. SLUICE_LONG=1 stops for a second every minute,
// else it is a quarter of both.
func TestSeesStops(t *testing.T) {
	stop, every, times := 250*time.Millisecond, 15*time.Second, 1
	if os.Getenv("SLUICE_LONG") != "" {
		stop, every, times = time.Second, time.Minute, 2
	}
	hub := hubtest.Start(t, "--store", "memory")
	done := make(chan []asked)
	ends := make(chan struct{})
	go func() { done <- closedLoop(hub.URL(), ends) }()
	stops := make(chan []time.Time, 1)
	go func() {
		var at []time.Time
		defer func() { stops <- at }()
		for range times {
			time.Sleep(every/2 + time.Second) // the streams are open by then
			hub.Signal(syscall.SIGSTOP)
			at = append(at, time.Now())
			time.Sleep(stop)
			hub.Signal(syscall.SIGCONT)
			time.Sleep(every/2 - time.Second - stop)
		}
	}()
	length := every * time.Duration(times)
	r, said, _ := load(t, "mixed", hub.URL(), "--streams", "20", "--topics", "20", "--topics-each", "1", "--rate", "200", "--connections", "4",
		"--duration", length.String(), "--connect-rate", "0")
	at := <-stops
	close(ends)
	closed := <-done
	// Those of the last 99th part of it are later than 2/5 of the stop.
	for _, figure := range []string{"publish_p99_ms", "delivery_p99_ms"} {
		if ours := r.Figures[figure]; ours < 0.3*float64(stop.Milliseconds()) {
			t.Errorf("%s is %v ms: a stop of %v every %v is not seen\n%s", figure, ours, stop, every, said)
		}
	}
	met := 0
	for _, a := range closed {
		for _, s := range at {
			if a.at.Before(s.Add(stop)) && a.at.Add(a.took).After(s) {
				met++
			}
		}
	}
	slices.SortFunc(closed, func(a, b asked) int { return cmp.Compare(a.took, b.took) })
	t.Logf("p99 of publishes: %.1f ms; of the closed loop %v: %d of %d met a stop", r.Figures["publish_p99_ms"], closed[len(closed)*99/100].took, met, len(closed))
	if met == 0 || met*100 > len(closed) {
		t.Errorf("%d of the closed loop's %d met a stop: it is no example", met, len(closed))
	}
}

// asked is a publish of a closed loop.
type asked struct {
	at   time.Time
	took time.Duration
}

// closedLoop publishes, each after the answer to the one before, and returns how
// long the answers took.
func closedLoop(url string, ends <-chan struct{}) (all []asked) {
	c := &http.Client{}
	defer c.CloseIdleConnections()
	for {
		select {
		case <-ends:
			return all
		case <-time.After(10 * time.Millisecond):
		}
		began := time.Now()
		if a, err := c.Post(url+"/v1/topics/closed/events", "application/json", strings.NewReader("{}")); err == nil {
			a.Body.Close()
			all = append(all, asked{began, time.Since(began)})
		}
	}
}
