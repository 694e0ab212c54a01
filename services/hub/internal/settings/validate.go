package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-stream/sluice/observability/traces"
)

// Validate reports everything that is wrong with the settings, each with what
// to do about it.
func (s *Settings) Validate() error {
	return errors.Join(s.validateStore(), s.validateDelivery(), s.validatePings(), s.validateNames(), s.validateTelemetry(), s.validateAccess())
}

func (s *Settings) validateStore() error {
	var errs []error
	switch s.Store {
	case Disk:
		if s.Data == "" {
			errs = append(errs, errors.New("--data is empty: name the folder that the disk store may use, or choose --store memory"))
		}
	case Memory:
	case "bolt":
		errs = append(errs, errors.New("--store bolt is no more: choose disk, which keeps events in --data in another form and does not read what bolt wrote (sluice.db)"))
	default:
		errs = append(errs, fmt.Errorf("--store %q is unknown: choose disk (kept in --data) or memory (gone at a restart)", s.Store))
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"retention-age", int64(s.RetentionAge)},
		{"retention-events", int64(s.RetentionEvents)},
		{"retention-bytes", s.RetentionBytes},
		{"retention-total-bytes", s.RetentionTotalBytes},
		{"max-topics", int64(s.MaxTopics)},
		{"idempotency-keys", int64(s.IdempotencyKeys)},
		{"memory-budget", s.MemoryBudget},
		{"heartbeat-interval", int64(s.HeartbeatInterval)},
		{"ping-interval", int64(s.PingInterval)},
		{"pong-timeout", int64(s.PongTimeout)},
		{"max-missed-pings", int64(s.MaxMissedPings)},
		{"flush-interval", int64(s.FlushInterval)},
		{"max-connections", int64(s.MaxConnections)},
		{"max-connections-per-address", int64(s.MaxConnectionsPerAddress)},
		{"max-topics-per-connection", int64(s.MaxTopicsPerConnection)},
		{"publish-rate", int64(s.PublishRate)},
		{"breaker-failures", int64(s.BreakerFailures)},
		{"write-timeout", int64(s.WriteTimeout)},
		{"shutdown-delay", int64(s.ShutdownDelay)},
		{"drain-timeout", int64(s.DrainTimeout)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("--%s is negative: use 0 to turn it off", n.name))
		}
	}
	if s.MaxTopicsPerConnection > MaxStreamTopics {
		errs = append(errs, fmt.Errorf("--max-topics-per-connection is %d: %d is the most that the head of a request has room for, which 0 stands for too",
			s.MaxTopicsPerConnection, MaxStreamTopics))
	}
	largest := s.Resolved().MaxEventBytes
	if least := 4 * largest; s.MemoryBudget > 0 && s.MemoryBudget < least {
		errs = append(errs, fmt.Errorf("--memory-budget %s is too small for events of --max-event-bytes %s: give it at least %s",
			formatSize(s.MemoryBudget), formatSize(largest), formatSize(least)))
	}
	return errors.Join(errs...)
}

func (s *Settings) validateDelivery() error {
	var errs []error
	if n := s.MaxWriteBytes; n != 0 && (n < 1<<10 || n > MaxWriteBytesLimit) {
		errs = append(errs, fmt.Errorf("--max-write-bytes must be from 1KiB to %s, or 0 for the most there can be", formatSize(MaxWriteBytesLimit)))
	}
	if n := s.MaxEventBytes; n < 0 || n > MaxEventBytesLimit {
		errs = append(errs, fmt.Errorf("--max-event-bytes must be from 1 to %s, or 0 for the most there can be", formatSize(MaxEventBytesLimit)))
	}
	if s.BreakerOpen <= 0 {
		errs = append(errs, errors.New("--breaker-open must be longer than 0: --breaker-failures 0 turns the breaker off"))
	}
	return errors.Join(errs...)
}

func (s *Settings) validateNames() error {
	var errs []error
	for _, n := range []struct{ name, value string }{{"release", s.Release}, {"node", s.Node}, {"environment", s.Environment}} {
		if !validName(n.value) {
			errs = append(errs, fmt.Errorf("--%s %q: use 1 to 64 letters, digits, dots, hyphens or underscores", n.name, n.value))
		}
	}
	for _, r := range s.Releases {
		if !validName(r) {
			errs = append(errs, fmt.Errorf("--releases: %q: use 1 to 64 letters, digits, dots, hyphens or underscores", r))
		}
	}
	if len(s.Releases) > 0 && !slices.Contains(s.Releases, s.Release) {
		errs = append(errs, fmt.Errorf("--releases %s lacks the hub's own: add %s, or say with --release which of them it is",
			strings.Join(s.Releases, ","), s.Release))
	}
	if len(s.Releases) > maxReleases {
		errs = append(errs, fmt.Errorf("--releases: there may be %d at most", maxReleases))
	}
	return errors.Join(errs...)
}

func (s *Settings) validateTelemetry() error {
	var errs []error
	switch s.TraceExporter {
	case "", traces.ExporterNone, traces.ExporterOTLP, traces.ExporterJaegerThrift, traces.ExporterStdout:
	default:
		errs = append(errs, fmt.Errorf("--trace-exporter %q is unknown: choose otlp, jaeger-thrift, stdout or none", s.TraceExporter))
	}
	if !(s.TraceRatio >= 0 && s.TraceRatio <= 1) {
		errs = append(errs, errors.New("--trace-ratio must be from 0 (none) to 1 (all)"))
	}
	return errors.Join(errs...)
}

// maxReleases bounds the values of a metric's label.
const maxReleases = 32

func validName(s string) bool {
	return len(s) <= 64 && validNameBytes(s)
}

// validNameBytes reports whether s is one or more of [NameBytes].
func validNameBytes(s string) bool {
	return s != "" && strings.Trim(s, NameBytes) == ""
}

// NameBytes are those that names of releases, nodes and hosts are made of.
const NameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
