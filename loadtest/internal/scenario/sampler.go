package scenario

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/observe"
	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/report"
	"github.com/sluice-stream/sluice/loadtest/internal/slowest"
	"github.com/sluice-stream/sluice/loadtest/internal/streams"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// sums are what was seen over a time.
type sums struct {
	streams                            streams.Counts
	publishers                         publishers.Counts
	slowest                            slowest.List
	connect, comeback, delivery, taken *hdrhistogram.Histogram
}

func newSums() *sums {
	return &sums{connect: times.New(), comeback: times.New(), delivery: times.New(), taken: times.New()}
}

func (s *sums) add(l *crew.Look) {
	s.streams.Add(l.Streams.Counts)
	s.publishers.Add(l.Publishers.Counts)
	s.slowest.Merge(l.Streams.Slowest)
	times.Merge(s.connect, l.Streams.Connect)
	times.Merge(s.comeback, l.Streams.Return)
	times.Merge(s.delivery, l.Streams.Delivery)
	times.Merge(s.taken, l.Publishers.Publish)
}

// sampler looks at the workers and at the target every second, and whenever it is
// asked to.
type sampler struct {
	r       *runner
	began   time.Time
	ends    chan struct{}
	ended   sync.WaitGroup
	metrics *metrics

	mu        sync.Mutex       // guards what follows, held while all are looked at
	other     func() crew.Look // what is looked at beside the workers; nil: nothing
	first     observe.Figures
	kernel    float64
	now       observe.Figures
	current   string // phase
	all       *sums
	measured  *sums   // of what counts
	interval  *sums   // since the last point
	own       float64 // seconds of processor of the load test, now
	cpu       float64 // likewise, at the last point
	targetCPU float64 // of the target, at the last point
	open      int
	waiting   int
	point     time.Time
	ownAt     struct{ from, to float64 } // at the begin and the end of what counts
	targetAt  struct{ from, to observe.Figures }
	peak      observe.Figures
	failed    error
}

func newSampler(r *runner) *sampler {
	s := &sampler{r: r, began: time.Now(), ends: make(chan struct{}), all: newSums(), measured: newSums(), interval: newSums()}
	s.first, _ = r.target.Look(r.ctx) // that it cannot be looked at was told
	s.now, s.targetCPU, s.point = s.first, s.first.CPU, s.began
	s.kernel, s.cpu = observe.Kernel(), crew.ProcessorTime()
	s.ended.Go(s.tick)
	return s
}

func (s *sampler) tick() {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.ends:
			return
		case <-every.C:
		}
		s.look()
		s.mu.Lock()
		s.observe()
		s.addPoint(time.Now())
		if s.r.terminal || n%10 == 0 {
			s.show()
		}
		s.mu.Unlock()
	}
}

func (s *sampler) stop() {
	close(s.ends)
	s.metrics.close()
	s.ended.Wait()
	if s.r.terminal {
		fmt.Fprintln(s.r.out)
	}
}

// look adds up what was seen since the last look, and returns how many streams
// are open.
func (s *sampler) look() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	looks, err := s.r.crew.Look()
	if err != nil {
		s.failed = err
		return s.open
	}
	if s.other != nil {
		looks = append(looks, s.other())
	}
	s.open, s.waiting, s.own = 0, 0, 0
	own := map[int]float64{}
	for i := range looks {
		l := &looks[i]
		s.all.add(l)
		s.interval.add(l)
		if s.current == "measure" {
			s.measured.add(l)
		}
		s.open += l.Streams.Open
		s.waiting += l.Publishers.Waiting
		own[l.Process] = l.CPU
	}
	own[os.Getpid()] = crew.ProcessorTime()
	for _, cpu := range own {
		s.own += cpu
	}
	return s.open
}

// beside has something looked at beside the workers.
func (s *sampler) beside(look func() crew.Look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = look
}

// phase ends a phase and begins another.
func (s *sampler) phase(name string) {
	s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	if name == "measure" {
		s.ownAt.from, s.targetAt.from = s.own, s.now
	}
	if s.current == "measure" {
		s.ownAt.to, s.targetAt.to = s.own, s.now
	}
	s.addPoint(time.Now())
	s.current = name
}

// observe looks at the target. s.mu is held.
func (s *sampler) observe() {
	if f, err := s.r.target.Look(s.r.ctx); err == nil {
		s.now = f
		s.peak.RSS = max(s.peak.RSS, f.RSS)
	}
}

// target is what was last seen of the target.
func (s *sampler) target() observe.Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	return s.now
}

// addPoint notes the time since the last point. s.mu is held.
func (s *sampler) addPoint(now time.Time) {
	seconds := now.Sub(s.point).Seconds()
	if seconds < 0.5 {
		return // it says little
	}
	i := s.interval
	p := report.Point{
		At: now.Sub(s.began).Seconds(), Phase: s.current, Open: float64(s.open), Waiting: float64(s.waiting),
		Published: float64(i.publishers.Accepted) / seconds, Delivered: float64(i.streams.Delivered) / seconds,
		PublishP50: times.MS(i.taken, .5), PublishP99: times.MS(i.taken, .99),
		P50: times.MS(i.delivery, .5), P99: times.MS(i.delivery, .99), Max: times.MS(i.delivery, 1),
		TargetCPU: max(s.now.CPU-s.targetCPU, 0) / seconds, TargetRSS: s.now.RSS, Goroutines: s.now.Goroutines,
		Files: s.now.Files, Disk: s.now.Disk, OwnCPU: (s.own - s.cpu) / seconds,
	}
	s.cpu, s.targetCPU, s.point, s.interval = s.own, s.now.CPU, now, newSums()
	s.r.report.Series = append(s.r.report.Series, p)
	s.metrics.set(&p, s.all)
}

// show tells how it goes. s.mu is held.
func (s *sampler) show() {
	series := s.r.report.Series
	if len(series) == 0 {
		return
	}
	p := series[len(series)-1]
	text := fmt.Sprintf("%4.0f s  %-8s %6.0f streams  %8.0f published/s  p99 %7.1f ms  %9.0f delivered/s  p99 %7.1f ms",
		p.At, p.Phase, p.Open, p.Published, p.PublishP99, p.Delivered, p.P99)
	if p.Waiting > 0 {
		text += fmt.Sprintf("  %.0f waiting", p.Waiting)
	}
	if s.r.target.Any() {
		text += fmt.Sprintf("  target %.2f cores %.0f MB", p.TargetCPU, p.TargetRSS/1e6)
	}
	if s.r.terminal {
		fmt.Fprintf(s.r.out, "\r\x1b[K%s", text)
	} else {
		fmt.Fprintln(s.r.out, text)
	}
}
