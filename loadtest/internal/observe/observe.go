// Package observe looks at the processes under test from beside them: by their
// metrics, and by what the system says of a process.
package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Figures are those of all processes together. What nobody knows is 0.
type Figures struct {
	CPU        float64 // seconds since they began
	RSS        float64 // bytes
	Goroutines float64
	Files      float64
	Disk       float64 // bytes of the store
}

func (f *Figures) add(o Figures) {
	f.CPU += o.CPU
	f.RSS += o.RSS
	f.Goroutines += o.Goroutines
	f.Files += o.Files
	f.Disk += o.Disk
}

// Target is what is looked at.
type Target struct {
	Admin     []string // addresses of admin listeners
	TokenFile string   // with a token for them; empty: none
	PIDs      []int    // processes, whose children count too
	client    http.Client
}

// Any reports whether there is something to look at.
func (t *Target) Any() bool { return len(t.Admin)+len(t.PIDs) > 0 }

const patience = 3 * time.Second

// Look returns the figures of this moment. Where processes are named, processor
// time and memory are theirs, else what the metrics say.
func (t *Target) Look(ctx context.Context) (all Figures, err error) {
	for _, admin := range t.Admin {
		f, e := t.metrics(ctx, admin)
		all.add(f)
		err = errors.Join(err, e)
	}
	if len(t.PIDs) > 0 {
		all.CPU, all.RSS = 0, 0
	}
	for _, pid := range t.PIDs {
		f, e := process(pid)
		all.add(f)
		err = errors.Join(err, e)
	}
	return all, err
}

// Get asks an admin listener for a path.
func (t *Target) Get(ctx context.Context, admin, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(admin, "/")+path, nil)
	if err != nil {
		return nil, err
	}
	if t.TokenFile != "" {
		token, err := os.ReadFile(t.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("--admin-token-file: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	a, err := t.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(io.LimitReader(a.Body, 64<<20))
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s answers %s", admin, path, a.Status)
	}
	return body, err
}

func (t *Target) families(ctx context.Context, admin string) (map[string]*dto.MetricFamily, error) {
	text, err := t.Get(ctx, admin, "/metrics")
	if err != nil {
		return nil, err
	}
	p := expfmt.NewTextParser(model.UTF8Validation)
	return p.TextToMetricFamilies(strings.NewReader(string(text)))
}

func (t *Target) metrics(ctx context.Context, admin string) (Figures, error) {
	f, err := t.families(ctx, admin)
	if err != nil {
		return Figures{}, err
	}
	return Figures{
		CPU: sum(f["process_cpu_seconds_total"]), RSS: sum(f["process_resident_memory_bytes"]),
		Goroutines: sum(f["go_goroutines"]), Files: sum(f["process_open_fds"]),
		Disk: sum(f["sse_store_disk_bytes"]),
	}, nil
}

// Build returns what an admin listener says of the program that answers.
func (t *Target) Build(ctx context.Context, admin string) (string, error) {
	f, err := t.families(ctx, admin)
	if err != nil {
		return "", err
	}
	var said []string
	if b := f["sse_build_info"]; b != nil {
		for _, l := range b.GetMetric()[0].GetLabel() {
			said = append(said, l.GetName()+" "+l.GetValue())
		}
	}
	return strings.Join(said, ", "), nil
}

func sum(f *dto.MetricFamily) (n float64) {
	for _, m := range f.GetMetric() {
		n += m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
	}
	return n
}
