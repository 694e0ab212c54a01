package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What the disk store has on the disk.
const (
	DiskTables = "tables"
	DiskLog    = "log" // write-ahead
)

// DiskFigures say how the disk store is.
type DiskFigures struct {
	Bytes   map[string]int64  // on the disk, by what they are
	Written map[string]uint64 // since the start
	// FreeBytes are free on the disk. Below ReserveBytes appends are refused.
	FreeBytes, ReserveBytes int64
	DebtBytes               int64 // that compactions have to rewrite
	ReadTables              int   // tables that a read may have to look into
	Stalls                  uint64
	Stalled                 time.Duration
	Failures                uint64 // of work in the background
}

// disk reads them at each scrape.
type disk struct {
	bytes, written, free, reserve, debt, tables, stalls, stalled, failures *prometheus.Desc
}

func newDisk(desc func(name, help string, labels ...string) *prometheus.Desc) disk {
	return disk{
		bytes:    desc("sse_store_disk_bytes", "Bytes that the disk store takes of the disk: tables, and the write-ahead log.", "part"),
		written:  desc("sse_store_written_bytes_total", "Bytes that the disk store wrote: to the log once, to tables when they are made and compacted.", "part"),
		free:     desc("sse_store_disk_free_bytes", "Bytes that are free on the disk of the disk store."),
		reserve:  desc("sse_store_disk_reserve_bytes", "Bytes of the disk below which the disk store refuses appends."),
		debt:     desc("sse_store_compaction_debt_bytes", "Bytes that compactions have to rewrite until the disk store is in order."),
		tables:   desc("sse_store_read_amplification", "Tables of the disk store that a read may have to look into."),
		stalls:   desc("sse_store_write_stalls_total", "Times that the disk store had appends wait until what is in memory was written to tables."),
		stalled:  desc("sse_store_write_stall_seconds_total", "Time that appends waited for that."),
		failures: desc("sse_store_background_errors_total", "Flushes and compactions of the disk store that failed."),
	}
}

func (d *disk) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.bytes, d.written, d.free, d.reserve, d.debt, d.tables, d.stalls, d.stalled, d.failures} {
		ch <- desc
	}
}

func (d *disk) collect(c collector, f DiskFigures) {
	for _, part := range []string{DiskTables, DiskLog} {
		c.gauge(d.bytes, float64(f.Bytes[part]), part)
		c.counter(d.written, f.Written[part], part)
	}
	c.gauge(d.free, float64(f.FreeBytes))
	c.gauge(d.reserve, float64(f.ReserveBytes))
	c.gauge(d.debt, float64(f.DebtBytes))
	c.gauge(d.tables, float64(f.ReadTables))
	c.counter(d.stalls, f.Stalls)
	c.ch <- prometheus.MustNewConstMetric(d.stalled, prometheus.CounterValue, f.Stalled.Seconds())
	c.counter(d.failures, f.Failures)
}
