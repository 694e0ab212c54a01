package scenario

import (
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"

	"github.com/sluice-stream/sluice/loadtest/internal/observe"
	"github.com/sluice-stream/sluice/loadtest/internal/report"
)

// describe notes what runs where.
func (r *runner) describe() error {
	for _, text := range r.given {
		name, value, _ := strings.Cut(text, "=")
		r.report.Settings = append(r.report.Settings, report.Setting{Name: name, Value: value})
	}
	add := func(to *[]report.Setting, name, value string) {
		if value != "" {
			*to = append(*to, report.Setting{Name: name, Value: value})
		}
	}
	m := &r.report.Machine
	add(m, "system", runtime.GOOS+"/"+runtime.GOARCH+" "+observe.System())
	add(m, "processor", observe.Processor())
	add(m, "cores", fmt.Sprint(runtime.NumCPU()))
	add(m, "load test", runtime.Version())
	for _, u := range r.urls {
		add(&r.report.Target, "address", u)
	}
	for _, a := range r.admin {
		build, err := r.target.Build(r.ctx, a)
		if err != nil {
			return fmt.Errorf("--admin-url: %w", err)
		}
		add(&r.report.Target, "program", build)
	}
	if len(r.target.PIDs) > 0 {
		if _, err := r.target.Look(r.ctx); err != nil {
			return err
		}
		add(&r.report.Target, "processes", strings.Join(r.pids, ", "))
	}
	return nil
}

// local reports whether all hubs are on this machine.
func (r *runner) local() bool {
	for _, text := range r.urls {
		u, err := url.Parse(text)
		if err != nil {
			return false
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
