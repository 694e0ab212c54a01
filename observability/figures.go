package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// Sources are asked for their figures at each scrape.
type Sources struct {
	Streams func() sse.Stats
	Groups  func() map[sse.Group]int
	Behind  func() map[string]sse.Behind // by topic class
	Stress  func() int                   // streams of isolated stress traffic
	Log     func() LogFigures
	Account func() map[string]eventlog.Account // what became of events, by topic class
	Disk    func() DiskFigures                 // of the disk store; zero: there is none
	// Draining tells whether the hub is about to end.
	Draining func() bool
	// Breakers are the circuit breakers by name: 0 closed, 1 half-open, 2 open.
	Breakers map[string]func() int
	// Queues are how many items of telemetry wait, by signal.
	Queues map[string]func() int
}

// LogFigures say how much is kept.
type LogFigures struct {
	Topics, HotTopics       int   // that exist; of these with recent events in memory
	Events, HotEvents       int64 // in the deep store; in memory
	StoreBytes, MemoryBytes int64 // of bodies in the deep store; in the account of the memory budget
	// Headroom is how far back a client may have been away, by topic class.
	Headroom map[string]time.Duration
}

// figures reads the sources at each scrape: what is counted exactly elsewhere
// is not counted twice.
type figures struct {
	o Options

	connections, deliveries, bytes, stalls         *prometheus.Desc
	account, behind, behindBytes, stress, draining *prometheus.Desc
	replayed, queue, saved                         *prometheus.Desc
	logEvents, logBytes, topics, resumeHeadrooms   *prometheus.Desc

	disk disk
}

func newFigures(o *Options) *figures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &figures{
		o:           *o,
		connections: desc("sse_connections", "Streams open now; health is none where the heartbeat is not two-way.", "release", "transport", "health"),
		deliveries:  desc("sse_deliveries_total", "Events handed to sockets; replay: they were there at the stream's handshake.", "path"),
		bytes:       desc("sse_delivered_bytes_total", "Bytes that sockets accepted; replay: of replayed events, live: all others, framing and control events included.", "path"),
		stalls:      desc("sse_write_stalls_total", "Writes that found a socket full."),
		account: desc("sse_account_events_total",
			"What became of events, each once for every stream: delivered, told (gone, and the stream was told so), left (were to come when the stream ended), lost (passed over without a word: a fault).", "outcome", "topic_class"),
		behind:      desc("sse_behind_connections", "Streams that lag by a second or more, as of the last second.", "topic_class"),
		behindBytes: desc("sse_behind_bytes", "Bytes in memory that the furthest behind of them has not been sent.", "topic_class"),
		stress:      desc("sse_stress_connections", "Streams of isolated stress traffic: those on topics of the class stress."),
		draining:    desc("sse_draining", "1 while the hub is about to end."),
		replayed:    desc("sse_replayed_events_total", "Events that were there at the stream's handshake, by where they were read.", "tier"),
		queue:       desc("sse_replay_queue", "Reads of pages that wait for their turn.", "tier"),
		saved:       desc("sse_reads_saved_total", "Reads of the store that were not needed: the page was in memory, another stream was reading it, or the topic does not exist.", "layer"),
		logEvents:   desc("sse_log_events", "Events kept: in memory, and in the deep store.", "tier"),
		logBytes:    desc("sse_log_bytes", "Bytes kept: memory is the account of the memory budget, store the bodies in the deep store.", "tier"),
		topics:      desc("sse_topics", "Topics: memory counts those with recent events in memory, store those that exist.", "tier"),
		resumeHeadrooms: desc("sse_resume_headroom_seconds",
			"How far back a client may have been away without missing anything: the age of the youngest event that is gone from one of the class's topics, the retention age at the most.", "topic_class"),
		disk: newDisk(desc),
	}
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.account, f.connections, f.deliveries, f.bytes, f.stalls, f.behind, f.behindBytes, f.stress, f.draining,
		f.replayed, f.queue, f.saved, f.logEvents, f.logBytes, f.topics, f.resumeHeadrooms} {
		ch <- d
	}
	f.disk.describe(ch)
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	c := collector{ch}
	f.collectStreams(c)
	f.collectBehind(c)
	f.collectLog(c)
	f.disk.collect(c, f.o.From.Disk())
	draining := 0.0
	if f.o.From.Draining() {
		draining = 1
	}
	f.collectAccount(c)
	c.gauge(f.draining, draining)
	c.gauge(f.stress, float64(f.o.From.Stress()))
}

// collector sends values.
type collector struct{ ch chan<- prometheus.Metric }

func (c collector) gauge(d *prometheus.Desc, v float64, labels ...string) {
	c.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (c collector) counter(d *prometheus.Desc, v uint64, labels ...string) {
	c.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

// noHealth is the health of a stream whose heartbeat is not two-way.
const noHealth = "none"

func (f *figures) collectStreams(c collector) {
	groups := f.o.From.Groups()
	for _, release := range f.o.Releases {
		for _, transport := range []sse.Transport{sse.HTTP1, sse.HTTP2} {
			for _, health := range []sse.Health{"", sse.Healthy, sse.Degraded} {
				name := string(health)
				if name == "" {
					name = noHealth
				}
				c.gauge(f.connections, float64(groups[sse.Group{Release: release, Transport: transport, Health: health}]), release, string(transport), name)
			}
		}
	}
	s := f.o.From.Streams()
	replayed := s.ReplayedMemory + s.ReplayedStore
	c.counter(f.deliveries, s.Sent.Events-replayed, string(sse.PathLive))
	c.counter(f.deliveries, replayed, string(sse.PathReplay))
	c.counter(f.bytes, s.Sent.Bytes-s.ReplayedBytes, string(sse.PathLive))
	c.counter(f.bytes, s.ReplayedBytes, string(sse.PathReplay))
	c.counter(f.stalls, s.Stalls)
	c.counter(f.replayed, s.ReplayedMemory, string(sse.TierMemory))
	c.counter(f.replayed, s.ReplayedStore, string(sse.TierStore))
	c.gauge(f.queue, float64(s.Replaying), string(sse.TierStore))
	c.counter(f.saved, s.CachedPages, "page_cache")
	c.counter(f.saved, s.SharedFetches, "single_flight")
	c.counter(f.saved, s.UnknownTopics, "unknown_topic")
}

func (f *figures) collectAccount(c collector) {
	accounts := f.o.From.Account()
	for _, class := range f.o.Classes {
		a := accounts[class]
		c.counter(f.account, a.Delivered, "delivered", class)
		c.counter(f.account, a.Told, "told", class)
		c.counter(f.account, a.Left, "left", class)
		c.counter(f.account, a.Lost, "lost", class)
	}
}

func (f *figures) collectBehind(c collector) {
	behind := f.o.From.Behind()
	for _, class := range f.o.Classes {
		c.gauge(f.behind, float64(behind[class].Connections), class)
		c.gauge(f.behindBytes, float64(behind[class].Bytes), class)
	}
}

func (f *figures) collectLog(c collector) {
	l := f.o.From.Log()
	memory, store := string(sse.TierMemory), string(sse.TierStore)
	c.gauge(f.logEvents, float64(l.HotEvents), memory)
	c.gauge(f.logEvents, float64(l.Events), store)
	c.gauge(f.logBytes, float64(l.MemoryBytes), memory)
	c.gauge(f.logBytes, float64(l.StoreBytes), store)
	c.gauge(f.topics, float64(l.HotTopics), memory)
	c.gauge(f.topics, float64(l.Topics), store)
	for _, class := range f.o.Classes {
		c.gauge(f.resumeHeadrooms, l.Headroom[class].Seconds(), class)
	}
}
