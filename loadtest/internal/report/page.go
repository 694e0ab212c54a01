package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template is given.
type page struct {
	*Report
	When    string
	Length  string
	Head    []fact
	Plots   []plot
	Rows    []fact // figures
	Tables  [][]string
	Ratings []string
	Links   []link
}

type fact struct {
	Name, Value string
}

type link struct {
	Trace, Took, Address string
}

// HTML writes the report as a page of its own: it needs no network, no script
// and no other file.
func (r *Report) HTML(w io.Writer) error {
	p := page{Report: r, When: r.Began.UTC().Format("2 January 2006, 15:04:05 UTC"), Length: time.Duration(r.Seconds * float64(time.Second)).Round(time.Second).String()}
	p.Head = r.headline()
	p.Plots = r.plots()
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		p.Rows = append(p.Rows, fact{name, Number(r.Figures[name])})
	}
	for _, t := range r.Times {
		row := []string{t.Name}
		for _, q := range []float64{.5, .9, .99, .999, .9999, 1} {
			row = append(row, Number(t.At(q)))
		}
		p.Tables = append(p.Tables, append(row, group(uint64(t.Count))))
	}
	p.Ratings = r.ceiling()
	for _, s := range r.Slowest {
		l := link{Trace: s.Trace, Took: Number(float64(s.Took)/1e6) + " ms"}
		if r.Traces != "" {
			l.Address = strings.TrimRight(r.Traces, "/") + "/" + s.Trace
		}
		p.Links = append(p.Links, l)
	}
	return pageTemplate.Execute(w, p)
}

// headline is what is asked first.
func (r *Report) headline() (all []fact) {
	for _, f := range []struct{ figure, name, unit string }{
		{"publish_rate_per_s", "published", "/s"}, {"publish_p99_ms", "publish p99", " ms"},
		{"deliveries_per_s", "delivered", "/s"}, {"delivery_p99_ms", "delivery p99", " ms"},
		{"streams", "streams", ""}, {"resume_s", "all had all after", " s"}, {"to_all_ms", "one event to all", " ms"},
		{"memory_per_stream_bytes", "memory of a stream", " bytes"}, {"target_cores", "target", " cores"},
	} {
		if v, ok := r.Figures[f.figure]; ok && v != 0 {
			all = append(all, fact{f.name, Number(v) + f.unit})
		}
	}
	return append(all, fact{"lost", group(r.Account.Lost)})
}

// ceiling says how near the load test came to what it can do itself.
func (r *Report) ceiling() (all []string) {
	for _, of := range []struct{ what, got, most string }{
		{"deliveries", "deliveries_per_s", "ceiling_deliveries_per_s"}, {"publishes", "publish_rate_per_s", "ceiling_publishes_per_s"},
	} {
		got, most := r.Figures[of.got], r.Figures[of.most]
		if most == 0 || got == 0 {
			continue
		}
		text := fmt.Sprintf("%s %s in a second, of the %s that this program takes from a loop that does nothing but write: %s %%.", Number(got), of.what, Number(most), Number(math.Round(1000*got/most)/10))
		if got > most/2 {
			text += " Above a half the load test itself is part of what is measured."
		}
		all = append(all, text)
	}
	if cores := r.Figures["load_cores"]; cores > 0 {
		all = append(all, fmt.Sprintf("The load test took %s processors while it measured.", Number(cores)))
	}
	return all
}
