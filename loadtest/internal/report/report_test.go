package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/slowest"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

func example() *Report {
	h := times.New()
	for i := range int64(10_000) {
		times.Note(h, i*int64(time.Microsecond))
	}
	r := &Report{Run: "00c0ffee", Scenario: "fanout", Began: time.Unix(1_800_000_000, 0), Seconds: 12, Traces: "http://traces/trace",
		Settings: []Setting{{"rate", "<5>"}}, Figures: map[string]float64{"delivery_p99_ms": 9.9, "deliveries_per_s": 12345.6, "ceiling_deliveries_per_s": 20000},
		Account: Account{Offered: 11, Accepted: 10, Refused: 1, By: map[string]uint64{"429": 1}, Due: 1000, Delivered: 999, Lost: 1},
		Times:   []Times{TimesOf("delivery", h)},
		Slowest: slowest.List{{Trace: "00c0ffee" + strings.Repeat("0", 24), Took: 5e6}}, Failures: []string{"1 deliveries were lost <b>"}}
	for i := range 30 {
		phase := "warm-up"
		if i > 5 {
			phase = "measure"
		}
		r.Series = append(r.Series, Point{At: float64(i), Phase: phase, Open: 5, Delivered: float64(i), P50: 0.5, P99: float64(i % 7), Max: 1000})
	}
	return r
}

// The page needs nothing from anywhere, is well formed, and says what is asked.
func TestPage(t *testing.T) {
	var out bytes.Buffer
	if err := example().HTML(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"Failed.", "1 deliveries were lost &lt;b&gt;", "00c0ffee", `href="http://traces/trace/00c0ffee`, "12,346/s", "Above a half", "&lt;5&gt;", "1 refused with 429", "in 1,000"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if from := regexp.MustCompile(`<(script|link|img|iframe)|src=|url\(|@import`).FindString(text); from != "" {
		t.Errorf("the page has %q", from)
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v: %s", err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("a picture has no place for something: %s", svg)
		}
	}
	if n := strings.Count(text, "<svg"); n < 3 {
		t.Errorf("%d pictures", n)
	}
	out.Reset()
	if err := (&Report{Scenario: "connect"}).HTML(&out); err != nil { // a run that came to nothing
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	var out bytes.Buffer
	r := example()
	r.Inside = &Account{Accepted: 10, Due: 1000, Delivered: 1000}
	r.Text(&out)
	for _, want := range []string{"offered 11 = accepted 10 + refused 1", "due 1,000 = delivered 999", "lost 1", "the hub says: accepted 10", "FAILED: 1 deliveries were lost", "delivery      5"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text does not say %q: %s", want, &out)
		}
	}
}

func TestFaults(t *testing.T) {
	well := Account{Offered: 3, Accepted: 2, Refused: 1, Due: 9, Delivered: 5, Told: 1, Slow: 3}
	if faults := well.Faults(); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
	for what, a := range map[string]Account{
		"lost": {Offered: 1, Due: 1, Lost: 1}, "twice": {Offered: 1, Doubled: 1}, "out of order": {Offered: 1, Disorder: 1}, "not what was sent": {Offered: 1, Damaged: 1},
		"nobody published": {Offered: 1, Extra: 1}, "do not follow": {Offered: 1, Astray: 1}, "had not come": {Offered: 1, Due: 1, Behind: 1},
		"no answer": {Offered: 1, Unknown: 1}, "in line": {Offered: 1, Unsent: 1}, "nothing was published": {}, "does not come out": {Offered: 1, Due: 2, Delivered: 1},
	} {
		if faults := a.Faults(); len(faults) != 1 || !strings.Contains(faults[0], what) {
			t.Errorf("%s: %q", what, faults)
		}
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{"0": 0, "12": 12, "1,234,567": 1234567, "1,235": 1234.6, "123": 123.4, "12.3": 12.34, "1.23": 1.234, "0.012": 0.0123, "-1,500": -1500} {
		if got := Number(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
