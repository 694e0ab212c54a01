package observability

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Route is one that a listener answers, with the statuses that are usual.
// Others appear when they occur: they are the listener's own choice.
type Route struct {
	Method, Path string // the path is a template
	Statuses     []int
}

// OtherRoute stands for what has no route: requests that are answered before
// their route is known, and those for which there is none.
const OtherRoute = "other"

const requestDuration = "http_request_duration_seconds"

// requests are figures of the listeners.
type requests struct {
	duration *prometheus.HistogramVec
}

func newRequests(r prometheus.Registerer, routes []Route) requests {
	q := requests{histograms(requestDuration, "Time from a request to its answer; of a stream, until its first bytes are out.", latencyBuckets, "route", "method", "status")}
	for _, route := range routes {
		for _, status := range route.Statuses {
			q.duration.WithLabelValues(route.Path, route.Method, strconv.Itoa(status))
		}
	}
	r.MustRegister(q.duration)
	return q
}

// Answered observes a request: its route's template, and its trace where that
// is sampled.
func (q *requests) Answered(route, method string, status int, took time.Duration, traceID string) {
	if route == "" {
		route = OtherRoute
	}
	observe(q.duration.WithLabelValues(route, knownMethod(method), knownStatus(status)), took, traceID)
}

// methods are the values of a label that clients would choose.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// knownMethod returns one of the methods, not what it is given: a series keeps
// its labels, and a request's method is a part of its line, with whatever
// secret is in that.
func knownMethod(method string) string {
	if i := slices.Index(methods, method); i >= 0 {
		return methods[i]
	}
	return "other"
}

func knownStatus(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status)
}

// NoRelease is what answers at a gateway have that no hub has given.
const NoRelease = "none"

// UsualRelease is what a hub is that was not told its release.
const UsualRelease = "stable"

// GatewayRequests are figures of requests as a gateway sees them.
type GatewayRequests struct {
	duration *prometheus.HistogramVec
	releases []string
}

// NewGatewayRequests registers them, with the releases that exist.
func NewGatewayRequests(r prometheus.Registerer, routes []Route, releases []string) GatewayRequests {
	q := GatewayRequests{releases: append([]string{NoRelease}, releases...)}
	q.duration = histograms(requestDuration, "Time from a request to its answer at the gateway; of a stream, until its head is out.", latencyBuckets, "route", "method", "status", "release")
	for _, route := range routes {
		for _, status := range route.Statuses {
			for _, release := range q.releases {
				q.duration.WithLabelValues(route.Path, route.Method, strconv.Itoa(status), release)
			}
		}
	}
	r.MustRegister(q.duration)
	return q
}

// Answered observes a request: its route's template, the release that answered,
// and its trace where that is sampled.
func (q *GatewayRequests) Answered(route, method string, status int, release string, took time.Duration, traceID string) {
	if !slices.Contains(q.releases, release) {
		release = NoRelease
	}
	observe(q.duration.WithLabelValues(route, knownMethod(method), knownStatus(status), release), took, traceID)
}

// LatencyHistogram is a histogram of durations like all others here.
func LatencyHistogram(name, help string) prometheus.Histogram {
	return histogram(name, help, latencyBuckets)
}
