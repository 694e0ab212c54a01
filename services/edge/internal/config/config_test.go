package config

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/edge/internal/settings"
	"github.com/sluice-stream/sluice/services/wire"
)

// kilobytes reads a size of nginx's.
func kilobytes(t *testing.T, size string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(size, "k"))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// The sizes of heads have room for what the hub lets them hold: as many topics as
// a stream may have, with the longest names and ids, in the address and in a
// header, beside a token; and a position in all of them in the answer.
func TestSizesFollowFromTheHub(t *testing.T) {
	const (
		topics = 64 // the hub's --max-topics-per-connection at most
		id     = len("18446744073709551615-18446744073709551615")
		other  = 4 << 10 // all other headers
		token  = 8 << 10
	)
	position := topics * (wire.MaxTopicName + len("@") + id + len(","))
	escaped := topics * (wire.MaxTopicName + len("%40") + id + len("%2C"))
	address := topics*(wire.MaxTopicName+len("&topic=")) + escaped
	for _, c := range []struct {
		what       string
		size, need int
	}{
		{"the head of a stream's answer", kilobytes(t, streamHead), position + other},
		{"the line of a request", kilobytes(t, requestHead), address + len("GET /v1/events?last_event_id= HTTP/1.1")},
		{"a header of a request", kilobytes(t, requestHead), max(position, token) + len("Last-Event-ID: ")},
	} {
		if c.size < c.need {
			t.Errorf("%s may have %d bytes, and has room for %d", c.what, c.need, c.size)
		}
	}
}

// The limit of streams follows from what is scarcest.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		workers, connections, most, files, ports int
		streams                                  int
		by                                       string
	}{
		{2, 32768, 0, 65536, 64512, 30720, "worker-connections"},
		{4, 32768, 0, 65536, 64512, 60480, "local ports"},
		{2, 32768, 0, 1024, 28232, 900, "open files"},
		{2, 32768, 0, 65536, 64, 60, "local ports"},
		{2, 32768, 100, 65536, 64512, 100, "max-streams"},
		{0, 1000, 0, 0, 0, 1406, "worker-connections"},
	} {
		got := LimitsOf(settings.Settings{Workers: c.workers, WorkerConnections: c.connections, MaxStreams: c.most}, Facts{Cores: 3, Files: c.files, Ports: c.ports})
		if got.Streams != c.streams || got.By != c.by {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// Ratios are told as split_clients wants them: two decimals, and neither 0 nor
// 100 percent.
func TestShare(t *testing.T) {
	for ratio, want := range map[float64][2]string{0: {"", "00"}, 0.00001: {"", "00"}, 0.0001: {"0.01%", "00"}, 0.05: {"5.00%", "00"}, 0.999: {"99.90%", "00"}, 0.99999: {"", "01"}, 1: {"", "01"}} {
		if part, rest := share(ratio); [2]string{part, rest} != want {
			t.Errorf("%v: %q and %q", ratio, part, rest)
		}
	}
}

// nginx follows the hub's name only where it can, and there is one.
func TestResolves(t *testing.T) {
	for _, c := range []struct {
		version       int
		resolver, hub string
		want          bool
	}{
		{1028000, "127.0.0.11:53", "hub:8080", true},
		{1027003, "127.0.0.11:53", "hub:8080", true},
		{1027002, "127.0.0.11:53", "hub:8080", false},
		{1028000, "", "hub:8080", false},
		{1028000, "127.0.0.11:53", "10.0.0.1:8080", false},
	} {
		if got := (Facts{Version: c.version, Resolver: c.resolver}).Resolves(c.hub); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
