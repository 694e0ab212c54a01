// Package compare says whether load tests of one kind came out better or worse
// than others, or whether the difference is noise.
//
// A figure of repeated runs is compared by the ratio of its medians, with an
// interval of 95 % (percentile bootstrap; Efron 1979). Only a ratio whose interval
// leaves out 1, and that differs by more than a hundredth, is better or worse.
package compare

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sluice-stream/sluice/loadtest/internal/report"
	"github.com/sluice-stream/sluice/loadtest/internal/settings"
)

const help = `loadtest compare [settings] A B says for each figure whether B is better or worse than A,
or whether the difference is noise. Each is a report.json, or a folder with those of
repeated runs below it; from three runs of each on there is something to say.

  for i in 1 2 3 4 5; do loadtest fanout --report before/$i; done
  loadtest compare before after

`

// Worse is a comparison in which something is.
type Worse struct{ Figures []string }

func (w *Worse) Error() string { return "worse: " + strings.Join(w.Figures, ", ") }

// Run is the command.
func Run(_ context.Context, args []string, getenv func(string) string, out io.Writer) error {
	set := flag.NewFlagSet("compare", flag.ContinueOnError)
	strict := set.Bool("strict", false, "fail where something is worse")
	sides, flags := split(args)
	if err := settings.Parse(set, flags, getenv, help, out); err != nil {
		return err
	}
	if len(sides) != 2 {
		return fmt.Errorf("%d were named: compare takes two reports, or folders of them (loadtest compare --help)", len(sides))
	}
	a, err := reports(sides[0])
	if err != nil {
		return err
	}
	b, err := reports(sides[1])
	if err != nil {
		return err
	}
	rows := Compare(a, b)
	show(out, sides, a, b, rows)
	var worse []string
	for _, r := range rows {
		if r.Verdict == "worse" {
			worse = append(worse, r.Figure)
		}
	}
	if *strict && len(worse) > 0 {
		return &Worse{worse}
	}
	return nil
}

// split tells settings from what is compared.
func split(args []string) (sides, flags []string) {
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			flags = append(flags, a)
		} else {
			sides = append(sides, a)
		}
	}
	return sides, flags
}

// reports reads a report, or all of a folder.
func reports(path string) (all []*report.Report, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		r, err := report.Read(path)
		return []*report.Report{r}, err
	}
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "report.json" {
			return err
		}
		r, err := report.Read(p)
		all = append(all, r)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("there is no report.json in %s", path)
	}
	return all, err
}

// Row is the comparison of one figure.
type Row struct {
	Figure    string
	A, B      float64 // medians
	Ratio     float64 // of B to A
	Low, High float64 // its interval; NaN: too few runs
	Verdict   string
}

// fewest is from how many runs of each side on there is an interval.
const fewest = 3

// Compare compares the figures that all reports have.
func Compare(a, b []*report.Report) (rows []Row) {
	for _, name := range slices.Sorted(maps.Keys(a[0].Figures)) {
		x, y := valuesOf(a, name), valuesOf(b, name)
		if x == nil || y == nil {
			continue
		}
		r := Row{Figure: name, A: median(x), B: median(y), Low: math.NaN(), High: math.NaN()}
		r.Ratio = ratio(r.B, r.A)
		if len(x) >= fewest && len(y) >= fewest {
			r.Low, r.High = interval(x, y)
		}
		r.Verdict = r.verdict()
		rows = append(rows, r)
	}
	return rows
}

func valuesOf(all []*report.Report, name string) (v []float64) {
	for _, r := range all {
		one, ok := r.Figures[name]
		if !ok {
			return nil
		}
		v = append(v, one)
	}
	return v
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratio is 1 where both are nothing.
func ratio(b, a float64) float64 {
	if a == b {
		return 1
	}
	return b / a
}

// interval is that of the ratio of medians, by drawing both sides anew.
func interval(a, b []float64) (low, high float64) {
	const draws = 2000
	random := rand.New(rand.NewPCG(1, 2)) // the same each time: it is asked for again
	draw := func(of []float64) float64 {
		v := make([]float64, len(of))
		for i := range v {
			v[i] = of[random.IntN(len(of))]
		}
		return median(v)
	}
	ratios := make([]float64, draws)
	for i := range ratios {
		ratios[i] = ratio(draw(b), draw(a))
	}
	slices.Sort(ratios)
	return ratios[draws*25/1000], ratios[draws*975/1000]
}

// least is how far a ratio must be from 1.
const least = 0.01

func (r *Row) verdict() string {
	switch direction := better(r.Figure); {
	case math.IsNaN(r.Low):
		return "too few runs"
	case r.Low <= 1 && r.High >= 1 || math.Abs(r.Ratio-1) < least:
		return "noise"
	case direction == 0:
		return "differs"
	case (r.Ratio > 1) == (direction > 0):
		return "better"
	}
	return "worse"
}

// better is 1 for figures that should be high, -1 for those that should be low,
// and 0 for others.
func better(figure string) int {
	switch {
	case strings.HasPrefix(figure, "ceiling_"), strings.HasSuffix(figure, "_asked"):
		return 0
	case strings.HasSuffix(figure, "_per_s"):
		return 1
	case strings.HasSuffix(figure, "_ms"), strings.HasSuffix(figure, "_bytes"), strings.HasSuffix(figure, "_cores"), strings.HasPrefix(figure, "slope_"),
		strings.HasSuffix(figure, "_s"), strings.Contains(figure, "_us_per_"), slices.Contains(bad, figure):
		return -1
	}
	return 0
}

// bad are counts of what should not be.
var bad = strings.Fields("refused unknown unsent sent_again told behind lost doubled disorder damaged extra astray late gaps connect_failures connects_refused disconnects")

func show(out io.Writer, sides []string, a, b []*report.Report, rows []Row) {
	fmt.Fprintf(out, "A: %s, %s, of %s\nB: %s, %s, of %s\n\n", sides[0], runs(len(a)), a[0].Scenario, sides[1], runs(len(b)), b[0].Scenario)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tA\tB\tB / A\t95 %\t")
	for _, r := range rows {
		if r.A == 0 && r.B == 0 {
			continue
		}
		between := ""
		if !math.IsNaN(r.Low) {
			between = fmt.Sprintf("%.3f to %.3f", r.Low, r.High)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%s\t%s\n", r.Figure, report.Number(r.A), report.Number(r.B), r.Ratio, between, r.Verdict)
	}
	_ = w.Flush() // an output that cannot be written to has nobody left to tell
	if a[0].Scenario != b[0].Scenario || fmt.Sprint(a[0].Settings) != fmt.Sprint(b[0].Settings) {
		fmt.Fprintf(out, "\nThe settings differ: that alone may be the difference.\nA: %s\nB: %s\n", said(a[0]), said(b[0]))
	}
}

func runs(n int) string {
	if n == 1 {
		return "one run"
	}
	return fmt.Sprintf("%d runs", n)
}

func said(r *report.Report) string {
	text := r.Scenario
	for _, s := range r.Settings {
		text += " --" + s.Name + "=" + s.Value
	}
	return text
}
