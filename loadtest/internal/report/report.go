package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sluice-stream/sluice/loadtest/internal/slowest"
)

// Report is all of a run.
type Report struct {
	Run      string             `json:"run"` // its name: trace ids begin with it
	Scenario string             `json:"scenario"`
	Began    time.Time          `json:"began"`
	Seconds  float64            `json:"seconds"`
	Settings []Setting          `json:"settings"`
	Machine  []Setting          `json:"machine"`
	Target   []Setting          `json:"target"`
	Figures  map[string]float64 `json:"figures"`
	Account  Account            `json:"account"`
	Inside   *Account           `json:"inside,omitempty"` // what the hub itself says
	Series   []Point            `json:"series"`
	Times    []Times            `json:"times"`
	Slowest  slowest.List       `json:"slowest,omitempty"`
	Traces   string             `json:"traces,omitempty"` // where they are looked at: an address that a trace's id follows
	Failures []string           `json:"failures"`         // why the run is no success; none: it is
	Notes    []string           `json:"notes,omitempty"`
}

// Setting is something of a run that has a name.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Account is what became of events. Offered = Accepted + Refused + Unknown +
// Unsent, and Due = Delivered + Told + Behind + Slow + Lost.
type Account struct {
	Offered  uint64            `json:"offered"`
	Accepted uint64            `json:"accepted"`
	Refused  uint64            `json:"refused"`
	Unknown  uint64            `json:"unknown"` // no answer came that says what became of them
	Unsent   uint64            `json:"unsent"`  // were in line when the run ended
	By       map[string]uint64 `json:"refused_by_status,omitempty"`

	Due       uint64 `json:"due"` // accepted events, for each stream that was to have them
	Delivered uint64 `json:"delivered"`
	Told      uint64 `json:"told"`           // gone, and the stream was told so
	Behind    uint64 `json:"behind"`         // had not come when the run ended
	Slow      uint64 `json:"slow"`           // likewise, of streams that are slow on purpose
	Left      uint64 `json:"left,omitempty"` // of the hub's account: were to come when a stream ended
	Lost      uint64 `json:"lost"`

	Doubled   uint64 `json:"doubled"`
	Disorder  uint64 `json:"disorder"` // delivered after one that they come before
	Damaged   uint64 `json:"damaged"`
	Extra     uint64 `json:"extra"`  // delivered, and refused or never published
	Astray    uint64 `json:"astray"` // delivered to a stream that does not follow their topic
	Duplicate uint64 `json:"duplicate"`
}

// Point is one moment of a run. Rates are over the time since the one before.
type Point struct {
	At         float64 `json:"at_s"` // since the run began
	Phase      string  `json:"phase"`
	Open       float64 `json:"open"`
	Published  float64 `json:"published_per_s"`
	Delivered  float64 `json:"delivered_per_s"`
	Waiting    float64 `json:"waiting"` // publishes for which no connection was free
	PublishP50 float64 `json:"publish_p50_ms"`
	PublishP99 float64 `json:"publish_p99_ms"`
	P50        float64 `json:"delivery_p50_ms"`
	P99        float64 `json:"delivery_p99_ms"`
	Max        float64 `json:"delivery_max_ms"`
	TargetCPU  float64 `json:"target_cores"`
	TargetRSS  float64 `json:"target_resident_bytes"`
	Goroutines float64 `json:"target_goroutines"`
	Files      float64 `json:"target_open_files"`
	Disk       float64 `json:"target_disk_bytes"`
	OwnCPU     float64 `json:"load_cores"`
}

// Times is the distribution of one kind of times.
type Times struct {
	Name      string     `json:"name"`
	Count     int64      `json:"count"`
	MeanMS    float64    `json:"mean_ms"`
	Quantiles []Quantile `json:"quantiles"`
}

// Quantile is a part of all, and the time that it took no more than.
type Quantile struct {
	Part float64 `json:"part"` // from 0 to 1
	MS   float64 `json:"ms"`
}

// quantiles are those that are kept: to one in a million.
var quantiles = []float64{0, .01, .05, .1, .2, .3, .4, .5, .6, .7, .75, .8, .85, .9, .925, .95, .975, .98, .99, .995, .9975, .999, .9995, .9999, .99995, .99999, .999999, 1}

// TimesOf describes a histogram of nanoseconds.
func TimesOf(name string, h *hdrhistogram.Histogram) Times {
	t := Times{Name: name, Count: h.TotalCount(), MeanMS: h.Mean() / 1e6}
	for _, q := range quantiles {
		if q < 1 && float64(t.Count)*(1-q) < 1 {
			continue // of fewer it says nothing
		}
		t.Quantiles = append(t.Quantiles, Quantile{q, float64(h.ValueAtQuantile(q*100)) / 1e6})
	}
	return t
}

// Read reads a report from a file that Write wrote.
func Read(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil || r.Scenario == "" {
		return nil, fmt.Errorf("%s is no report of a load test: give a report.json", path)
	}
	return r, nil
}

// Write writes report.json and report.html into a folder, which is made where it
// does not exist.
func (r *Report) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "report.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	page, err := os.Create(filepath.Join(folder, "report.html"))
	if err != nil {
		return err
	}
	return errors.Join(r.HTML(page), page.Close())
}
