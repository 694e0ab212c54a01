package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Text writes the report as tables. An output that cannot be written to has
// nobody left to tell.
func (r *Report) Text(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nrun %s, %s, %s, %.0f s\n\n", r.Run, r.Scenario, r.Began.UTC().Format("2006-01-02 15:04:05 UTC"), r.Seconds)
	for _, line := range r.Account.Lines() {
		fmt.Fprintln(w, line)
	}
	if r.Inside != nil {
		fmt.Fprintln(w, "the hub says: "+r.Inside.Within())
	}
	if len(r.Times) > 0 {
		fmt.Fprintf(w, "\nmilliseconds\tp50\tp90\tp99\tp99.9\tmax\t\n")
		for _, t := range r.Times {
			fmt.Fprintf(w, "%s\t", t.Name)
			for _, q := range []float64{.5, .9, .99, .999, 1} {
				fmt.Fprintf(w, "%s\t", Number(t.At(q)))
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		if !r.inTables(name) && r.Figures[name] != 0 {
			fmt.Fprintf(w, "%s\t%s\t\n", name, Number(r.Figures[name]))
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
	if len(r.Failures) == 0 {
		fmt.Fprintf(w, "\npassed: nothing was lost, doubled, damaged or out of order\n")
	}
	for _, why := range r.Failures {
		fmt.Fprintf(w, "\nFAILED: %s\n", why)
	}
	_ = w.Flush()
}

// inTables tells figures that another table has.
func (r *Report) inTables(name string) bool {
	for _, t := range r.Times {
		if strings.HasPrefix(name, t.Name+"_") && strings.HasSuffix(name, "_ms") {
			return true
		}
	}
	return slices.Contains(strings.Fields("published refused unknown unsent delivered told behind lost doubled disorder damaged extra astray duplicates"), name)
}

// Lines says in equations what became of all events.
func (a *Account) Lines() []string {
	offered := fmt.Sprintf("offered %s = accepted %s + refused %s + unknown %s + unsent %s", group(a.Offered), group(a.Accepted), group(a.Refused), group(a.Unknown), group(a.Unsent))
	for _, status := range slices.Sorted(maps.Keys(a.By)) {
		offered += fmt.Sprintf("; %s refused with %s", group(a.By[status]), status)
	}
	due := fmt.Sprintf("due %s = delivered %s + told %s + behind %s + lost %s", group(a.Due), group(a.Delivered), group(a.Told), group(a.Behind), group(a.Lost))
	if a.Slow > 0 {
		due += fmt.Sprintf(" + behind on purpose %s", group(a.Slow))
	}
	return []string{offered, due, fmt.Sprintf("doubled %s, out of order %s, damaged %s, of nobody %s, astray %s",
		group(a.Doubled), group(a.Disorder), group(a.Damaged), group(a.Extra), group(a.Astray))}
}

// Within says what a hub's own account is.
func (a *Account) Within() string {
	return fmt.Sprintf("accepted %s; due %s = delivered %s + told %s + left %s + behind %s + lost %s", group(a.Accepted), group(a.Due),
		group(a.Delivered), group(a.Told), group(a.Left), group(a.Behind), group(a.Lost))
}

// At returns a quantile, or the nearest below it that there is.
func (t *Times) At(part float64) (ms float64) {
	for _, q := range t.Quantiles {
		if q.Part <= part {
			ms = q.MS
		}
	}
	return ms
}

// Number writes a figure so that it is read at a glance: three digits, thousands
// apart.
func Number(v float64) string {
	switch size := math.Abs(v); {
	case v == math.Trunc(v) && size < 1e15, size >= 1000:
		text := group(uint64(math.Round(size)))
		if v < 0 {
			text = "-" + text
		}
		return text
	case size >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// group writes a number with its thousands apart.
func group(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
