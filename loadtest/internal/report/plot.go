package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// plot is a picture of some series.
type plot struct {
	Title, Unit string
	Lines       []line
	Picture     template.HTML
}

// line is a series of points with rising x.
type line struct {
	Name string
	X, Y []float64
}

// Sizes of a picture, in its own units: it is scaled to the page.
const (
	wide, high              = 640.0, 240.0
	left, right, top, below = 76.0, 10.0, 10.0, 28.0
)

// plots are all pictures that there is something to show in.
func (r *Report) plots() (all []plot) {
	over := func(title, unit string, log bool, of ...func(*Point) (string, float64)) {
		p := plot{Title: title, Unit: unit}
		for _, f := range of {
			var l line
			some := false
			for i := range r.Series {
				name, y := f(&r.Series[i])
				l.Name = name
				l.X, l.Y = append(l.X, r.Series[i].At), append(l.Y, y)
				some = some || y > 0
			}
			if some && len(l.X) > 1 {
				p.Lines = append(p.Lines, l)
			}
		}
		if len(p.Lines) > 0 {
			p.Picture = draw(p.Lines, axis{unit: "s", ticks: ticks(0, p.Lines[0].X[len(p.Lines[0].X)-1])}, log, r.phases())
			all = append(all, p)
		}
	}
	over("How late are deliveries?", "milliseconds since they should have been published, logarithmic", true,
		func(p *Point) (string, float64) { return "p50", p.P50 }, func(p *Point) (string, float64) { return "p99", p.P99 }, func(p *Point) (string, float64) { return "slowest", p.Max })
	if p, ok := r.byPart(); ok {
		all = append(all, p)
	}
	over("How long do publishes take?", "milliseconds since they should have begun, logarithmic", true,
		func(p *Point) (string, float64) { return "p50", p.PublishP50 }, func(p *Point) (string, float64) { return "p99", p.PublishP99 })
	over("How much is published and delivered?", "a second, logarithmic", true,
		func(p *Point) (string, float64) { return "published", p.Published }, func(p *Point) (string, float64) { return "delivered", p.Delivered })
	over("How many streams are open?", "streams", false, func(p *Point) (string, float64) { return "open", p.Open })
	over("How many publishes wait for a connection?", "publishes", false, func(p *Point) (string, float64) { return "waiting", p.Waiting })
	over("What processors are taken?", "cores", false,
		func(p *Point) (string, float64) { return "target", p.TargetCPU }, func(p *Point) (string, float64) { return "load test", p.OwnCPU })
	over("What memory does the target take?", "megabytes", false, func(p *Point) (string, float64) { return "resident", p.TargetRSS / 1e6 })
	over("What else does the target hold?", "", false,
		func(p *Point) (string, float64) { return "goroutines", p.Goroutines }, func(p *Point) (string, float64) { return "open files", p.Files })
	over("What does its store take?", "megabytes", false, func(p *Point) (string, float64) { return "disk", p.Disk / 1e6 })
	return all
}

// byPart shows times by the part that was slower: one in ten, in a hundred and
// so on are as far from one another.
func (r *Report) byPart() (plot, bool) {
	p := plot{Title: "What part is how late?", Unit: "milliseconds, logarithmic, by the part that was slower"}
	x := axis{}
	far := 0.0
	for _, t := range r.Times {
		l := line{Name: t.Name}
		for _, q := range t.Quantiles {
			if q.Part > 0 && q.Part < 1 && q.MS > 0 {
				l.X, l.Y = append(l.X, -math.Log10(1-q.Part)), append(l.Y, q.MS)
			}
		}
		if len(l.X) > 1 {
			p.Lines = append(p.Lines, l)
			far = max(far, l.X[len(l.X)-1])
		}
	}
	for i, name := range []string{"all", "1 in 10", "1 in 100", "in 1,000", "in 10,000", "in 100,000", "in a million"} {
		if float64(i) <= far {
			x.ticks = append(x.ticks, tick{float64(i), name})
		}
	}
	if len(p.Lines) == 0 {
		return p, false
	}
	p.Picture = draw(p.Lines, x, true, nil)
	return p, true
}

// span is a time that has a name.
type span struct {
	name     string
	from, to float64
}

// phases are those of the run.
func (r *Report) phases() (all []span) {
	for i := range r.Series {
		p := &r.Series[i]
		if n := len(all); n > 0 && all[n-1].name == p.Phase {
			all[n-1].to = p.At
			continue
		}
		from := 0.0
		if i > 0 {
			from = r.Series[i-1].At
		}
		all = append(all, span{p.Phase, from, p.At})
	}
	return all
}

type axis struct {
	unit  string
	ticks []tick
}

type tick struct {
	at   float64
	name string
}

// ticks are round numbers between two.
func ticks(from, to float64) (all []tick) {
	step := math.Pow(10, math.Floor(math.Log10(max(to-from, 1e-9))))
	for _, finer := range []float64{1, 2, 5} {
		if (to-from)/(step/finer) >= 4 {
			step /= finer
			break
		}
	}
	for at := math.Ceil(from/step) * step; at <= to*1.0001; at += step {
		name := strconv.FormatFloat(math.Round(at*1e6)/1e6, 'f', -1, 64)
		if at >= 1000 {
			name = Number(at)
		}
		all = append(all, tick{at, name})
	}
	return all
}

// powers are those of ten between two numbers.
func powers(from, to float64) (all []tick) {
	for e := math.Floor(math.Log10(from)); e <= math.Ceil(math.Log10(to)); e++ {
		all = append(all, tick{math.Pow(10, e), Number(math.Pow(10, e))})
	}
	return all
}

// draw draws lines. What is not above zero has no place on a logarithmic axis,
// and is left out.
func draw(lines []line, x axis, log bool, marked []span) template.HTML {
	least, most, far := math.Inf(1), 0.0, 0.0
	for _, l := range lines {
		for i, y := range l.Y {
			if most = max(most, y); y > 0 {
				least = min(least, y)
			}
			far = max(far, l.X[i])
		}
	}
	var ys []tick
	scale := func(y float64) float64 { return y }
	if log {
		ys, scale = powers(least, max(most, least*1.01)), math.Log10
		least, most = ys[0].at, ys[len(ys)-1].at
	} else {
		ys, least = ticks(0, max(most, 1e-3)), 0
		most = max(most*1.05, 1e-3)
	}
	atX := func(v float64) float64 { return left + v/max(far, 1e-9)*(wide-left-right) }
	atY := func(v float64) float64 {
		low := 0.0
		if log {
			low = scale(least)
		}
		return high - below - (scale(v)-low)/(scale(most)-low)*(high-top-below)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img">`, wide, high)
	for i, s := range marked {
		if i%2 == 1 {
			fmt.Fprintf(&b, `<rect class="band" x="%.1f" y="%g" width="%.1f" height="%g"/>`, atX(s.from), top, atX(s.to)-atX(s.from), high-top-below)
		}
		if atX(s.to)-atX(s.from) > 60 {
			fmt.Fprintf(&b, `<text class="phase" x="%.1f" y="%g">%s</text>`, (atX(s.from)+atX(s.to))/2, top+10, template.HTMLEscapeString(s.name))
		}
	}
	for _, t := range ys {
		if y := atY(t.at); y >= top-1 {
			fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="y" x="%g" y="%.1f">%s</text>`, left, wide-right, y, y, left-6, y+4, t.name)
		}
	}
	for i, t := range x.ticks {
		anchor := "middle"
		if i == len(x.ticks)-1 && atX(t.at) > wide-40 {
			anchor = "end"
		}
		name := t.name
		if x.unit != "" {
			name += " " + x.unit
		}
		fmt.Fprintf(&b, `<text class="x" text-anchor="%s" x="%.1f" y="%g">%s</text>`, anchor, atX(t.at), high-8, name)
	}
	for i, l := range lines {
		fmt.Fprintf(&b, `<path class="l%d" d="%s"/>`, i, path(l, log, atX, atY))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // numbers, and names that are escaped
}

// path connects the points of a line.
func path(l line, log bool, atX, atY func(float64) float64) string {
	var b strings.Builder
	verb := "M"
	for i := range l.X {
		if log && l.Y[i] <= 0 {
			verb = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", verb, atX(l.X[i]), atY(l.Y[i]))
		verb = "L"
	}
	return b.String()
}
