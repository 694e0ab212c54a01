package scenario

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/budget"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

func (o *options) validate() error {
	if len(o.urls) == 0 {
		o.urls = list{target.DefaultURL}
	}
	for _, u := range o.urls {
		h := target.Hub{URL: u, TokenFile: o.hub.TokenFile, TLSCA: o.hub.TLSCA, TLSName: o.hub.TLSName}
		if err := h.Validate(); err != nil {
			return err
		}
	}
	o.hub.URL = o.urls[0]
	o.paths.Header = o.header
	for _, a := range o.admin {
		if u, err := url.Parse(a); err != nil || u.Host == "" {
			return fmt.Errorf("--admin-url %q is not an address: write it like http://127.0.0.1:8081", a)
		}
	}
	o.target.Admin = o.admin
	for _, text := range o.pids {
		pid, err := strconv.Atoi(text)
		if err != nil || pid < 1 {
			return fmt.Errorf("--pid %q is not the id of a process", text)
		}
		o.target.PIDs = append(o.target.PIDs, pid)
	}
	if o.listen != "" {
		if _, _, err := net.SplitHostPort(o.listen); err != nil {
			return fmt.Errorf("--listen %q is not an address: write it like 127.0.0.1:9103", o.listen)
		}
	}
	if o.budgetFile != "" {
		var err error
		if o.limits, err = budget.Read(o.budgetFile); err != nil {
			return err
		}
	}
	return errors.Join(o.paths.Validate(), o.validateAmounts())
}

// Bounds of what a run may ask for: this program's own memory.
const (
	mostStreams     = 1_000_000
	mostTopics      = 100_000
	mostConnections = 10_000
	mostLanes       = 50_000_000 // topics times connections
	mostBatch       = 1000
	mostSize        = 256 << 10
)

func (o *options) validateAmounts() error {
	within := func(name string, n, least, most int) error {
		if n < least || n > most {
			return fmt.Errorf("--%s %d does not fit: from %d to %d", name, n, least, most)
		}
		return nil
	}
	positive := func(name string, d time.Duration) error {
		if d < 0 {
			return fmt.Errorf("--%s %v is below zero", name, d)
		}
		return nil
	}
	err := errors.Join(
		within("streams", o.streams, 0, mostStreams), within("topics", o.topics, 1, mostTopics),
		within("topics-each", o.topicsEach, 1, o.topics), within("connections", o.connections, 1, mostConnections),
		within("batch", o.batch, 1, mostBatch), within("never", o.never, 0, o.streams), within("slow", o.slow, 0, o.streams-o.never),
		within("slow-bytes", o.slowBytes, 10, 1<<20), within("processes", o.processes, 1, 64), within("events", o.events, 0, 1<<31-1),
		within("missed", o.missed, 0, 1<<31-1),
		positive("warm-up", o.warmUp), positive("duration", o.duration), positive("patience", o.patience), positive("late", o.late),
		positive("back-off", o.backOff), positive("ceiling", o.ceiling),
	)
	switch {
	case err != nil:
		return err
	case o.topics*o.connections > mostLanes:
		return fmt.Errorf("--topics %d times --connections %d is more than %d lanes", o.topics, o.connections, mostLanes)
	case !(o.rate >= 0) || !(o.connectRate >= 0) || !(o.churn >= 0):
		return errors.New("--rate, --connect-rate and --churn must not be below zero")
	case o.arrivals != "even" && o.arrivals != "poisson":
		return fmt.Errorf("--arrivals %q: there are even and poisson", o.arrivals)
	case !(o.traceRatio >= 0 && o.traceRatio <= 1):
		return fmt.Errorf("--trace-ratio %v is not between 0 and 1", o.traceRatio)
	case o.apart && o.topics < len(o.urls):
		return fmt.Errorf("--apart: %d topics are less than one for each of %d addresses", o.topics, len(o.urls))
	case o.answers < 0 || o.answers > 10_000 || o.readers < 0 || o.readers > 100 || o.answers > 0 && (o.flush < 10*time.Millisecond || o.rate == 0):
		return errors.New("--answers: 10000 at most, 100 --readers of each, a --flush of 10ms or more, and a --rate")
	case o.every < time.Second:
		return fmt.Errorf("--every %v is too short: 1s is the least", o.every)
	}
	o.sizes, err = parseSizes(o.size)
	return err
}

// parseSizes reads "128" or "128:9,2048:1".
func parseSizes(text string) ([]crew.Size, error) {
	var all []crew.Size
	for one := range strings.SplitSeq(text, ",") {
		bytes, weight, weighted := strings.Cut(one, ":")
		s := crew.Size{Weight: 1}
		n, err := strconv.Atoi(bytes)
		if weighted && err == nil {
			s.Weight, err = strconv.ParseFloat(weight, 64)
		}
		if err != nil || n < 1 || n > mostSize || !(s.Weight > 0) {
			return nil, fmt.Errorf("--size %q: write it like 128, or 128:9,2048:1; %d bytes at most", text, mostSize)
		}
		s.Bytes = n
		all = append(all, s)
	}
	return all, nil
}
