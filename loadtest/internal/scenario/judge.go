package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sluice-stream/sluice/loadtest/internal/report"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// judge makes figures of what was seen, and says why the run is no success.
func (r *runner) judge() {
	if r.sampler == nil {
		return
	}
	s := r.sampler
	r.report.Account = r.account()
	r.figures()
	for _, of := range []struct {
		name string
		h    *hdrhistogram.Histogram
	}{{"publish", s.measured.taken}, {"delivery", s.measured.delivery}, {"connect", s.all.connect}, {"return", s.all.comeback}} {
		if of.h.TotalCount() > 0 {
			r.report.Times = append(r.report.Times, report.TimesOf(of.name, of.h))
		}
	}
	r.report.Slowest = s.measured.slowest
	fail := func(format string, args ...any) {
		r.report.Failures = append(r.report.Failures, fmt.Sprintf(format, args...))
	}
	if s.failed != nil {
		fail("a worker failed: %v", s.failed)
	}
	for _, why := range r.report.Account.Faults() {
		fail("%s", why)
	}
	r.compareInside()
	if n := r.settled.Without; n > 0 {
		fail("%d streams could not be had", n)
	}
	for _, over := range r.limits.Exceeded(r.report.Figures) {
		fail("%s", over)
	}
}

// account is what became of everything since the beginning.
func (r *runner) account() report.Account {
	s := r.sampler.all
	a := report.Account{
		Accepted: s.publishers.Accepted, Unknown: s.publishers.Unknown, Unsent: s.publishers.Unsent, Duplicate: s.publishers.Duplicates,
		Due: r.settled.Due, Delivered: r.settled.Delivered, Told: r.settled.Told, Behind: r.settled.Behind, Slow: r.settled.Slow, Lost: r.settled.Lost,
		Extra: r.settled.Extra, Doubled: s.streams.Doubled, Disorder: s.streams.Disorder, Damaged: s.streams.Damaged, Astray: s.streams.Astray,
	}
	for status, n := range s.publishers.Refused {
		a.Refused += n
		if a.By == nil {
			a.By = map[string]uint64{}
		}
		a.By[fmt.Sprint(status)] += n
	}
	a.Offered = a.Accepted + a.Refused + a.Unknown + a.Unsent
	return a
}

// figures notes what can be limited and compared.
func (r *runner) figures() {
	s, a := r.sampler, &r.report.Account
	m := s.measured
	for name, h := range map[string]*hdrhistogram.Histogram{"publish": m.taken, "delivery": m.delivery, "connect": s.all.connect, "return": s.all.comeback} {
		if h.TotalCount() == 0 {
			continue
		}
		for q, suffix := range map[float64]string{.5: "p50", .9: "p90", .99: "p99", .999: "p999", 1: "max"} {
			r.note(name+"_"+suffix+"_ms", times.MS(h, q))
		}
	}
	for name, n := range map[string]uint64{
		"published": a.Accepted, "refused": a.Refused, "unknown": a.Unknown, "unsent": a.Unsent, "duplicates": a.Duplicate,
		"sent_again": s.all.publishers.Again, "delivered": a.Delivered, "told": a.Told, "behind": a.Behind, "lost": a.Lost, "doubled": a.Doubled,
		"disorder": a.Disorder, "damaged": a.Damaged, "extra": a.Extra, "astray": a.Astray, "late": m.streams.Late, "gaps": s.all.streams.Gaps,
		"connects": s.all.streams.Connects, "connect_failures": s.all.streams.Failures, "disconnects": s.all.streams.Ends, "returns": s.all.streams.Returns,
	} {
		r.note(name, float64(n))
	}
	refused := uint64(0)
	for _, n := range s.all.streams.Refused {
		refused += n
	}
	r.note("connects_refused", float64(refused))
	r.note("target_resident_max_bytes", s.peak.RSS)
	r.perSecond()
	r.slopes()
}

// perSecond notes rates, and what they cost.
func (r *runner) perSecond() {
	s := r.sampler
	m := s.measured
	if took := r.publishedAt.Sub(r.measuredFrom).Seconds(); took > 0 {
		r.note("publish_rate_per_s", float64(m.publishers.Accepted)/took)
	}
	took := r.settledAt.Sub(r.measuredFrom).Seconds()
	if took <= 0 {
		return
	}
	delivered := float64(m.streams.Delivered)
	r.note("deliveries_per_s", delivered/took)
	own, cpu := s.ownAt.to-s.ownAt.from, s.targetAt.to.CPU-s.targetAt.from.CPU
	r.note("load_cores", own/took)
	if !r.target.Any() {
		return
	}
	r.note("target_cores", cpu/took)
	if delivered > 0 {
		r.note("target_us_per_delivery", cpu*1e6/delivered)
	}
	if n := float64(m.publishers.Accepted); n > 0 {
		r.note("target_us_per_publish", cpu*1e6/n)
	}
}

// slopes notes how much grew in an hour, by a line through the points of what was
// measured but for their first tenth, where it was measured for a minute or more.
func (r *runner) slopes() {
	points := slices.DeleteFunc(slices.Clone(r.report.Series), func(p report.Point) bool { return p.Phase != "measure" })
	points = points[len(points)/10:]
	if len(points) < 2 || points[len(points)-1].At-points[0].At < time.Minute.Seconds() {
		return
	}
	of := map[string]func(p *report.Point) float64{"slope_delivery_p99_ms_per_h": func(p *report.Point) float64 { return p.P99 }}
	if len(r.admin) > 0 {
		of["slope_resident_bytes_per_h"] = func(p *report.Point) float64 { return p.TargetRSS }
		of["slope_goroutines_per_h"] = func(p *report.Point) float64 { return p.Goroutines }
		of["slope_open_files_per_h"] = func(p *report.Point) float64 { return p.Files }
		of["slope_disk_bytes_per_h"] = func(p *report.Point) float64 { return p.Disk }
	}
	for name, y := range of {
		r.note(name, slope(points, y)*time.Hour.Seconds())
	}
}

// slope is that of the line through all points, by least squares, in a second.
func slope(points []report.Point, y func(*report.Point) float64) float64 {
	n := float64(len(points))
	var mx, my, xy, xx float64
	for i := range points {
		mx += points[i].At / n
		my += y(&points[i]) / n
	}
	for i := range points {
		dx := points[i].At - mx
		xy += dx * (y(&points[i]) - my)
		xx += dx * dx
	}
	if xx == 0 {
		return 0
	}
	return xy / xx
}
