package observability

import (
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// registerProcess registers what is known of the process: the build, the Go
// runtime's figures (pauses of the garbage collector, latency of the
// scheduler, memory and its limit), the operating system's, and how many cores
// it may use.
func registerProcess(r prometheus.Registerer, o *Options) {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sse_build_info", Help: "1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": o.Version, "release": o.Release, "goversion": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build, CPUQuota(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
			collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/sched/(latencies|pauses/total/gc):seconds$`)},
			collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/(gomemlimit|heap/live):bytes$`)},
			collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/memory/classes/(total|heap/released):bytes$`)},
		)))
}

// CPUQuota is how many cores the process may use.
func CPUQuota() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sse_cpu_quota_cores",
		Help: "Cores that the process may use: the quota of its control group, else those of the machine.",
	}, func() float64 { return cpuQuota(os.ReadFile) })
}

// cpuQuota returns how many cores the process may use, by the control group
// that it is in (Linux, Documentation/admin-guide/cgroup-v2, cpu.max; of
// version 1, cpu.cfs_quota_us).
func cpuQuota(read func(string) ([]byte, error)) float64 {
	machine := float64(runtime.NumCPU())
	number := func(s string) float64 {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || n <= 0 {
			return 0
		}
		return n
	}
	var quota, period float64
	if max, err := read("/sys/fs/cgroup/cpu.max"); err == nil {
		if f := strings.Fields(string(max)); len(f) == 2 {
			quota, period = number(f[0]), number(f[1])
		}
	} else if us, err := read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); err == nil {
		every, _ := read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
		quota, period = number(strings.TrimSpace(string(us))), number(strings.TrimSpace(string(every)))
	}
	if quota == 0 || period == 0 {
		return machine
	}
	return min(quota/period, machine)
}
