package app

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Validate reports everything that is wrong with the settings, each with what
// to do about it.
func (s *Settings) Validate() error {
	return errors.Join(s.validateStore(), s.validateDelivery(), s.validateNames(),
		s.validateAddress("listen", s.Listen), s.validateAddress("admin-listen", s.AdminListen))
}

func (s *Settings) validateStore() error {
	var errs []error
	switch s.Store {
	case storeBolt:
		if s.Data == "" {
			errs = append(errs, errors.New("--data is empty: name the folder that the bolt store may use, or choose --store memory"))
		}
	case storeMemory:
	default:
		errs = append(errs, fmt.Errorf("--store %q is unknown: choose bolt (kept in --data) or memory (gone at a restart)", s.Store))
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
		{"memory-budget", s.MemoryBudget},
		{"heartbeat-interval", int64(s.HeartbeatInterval)},
		{"flush-interval", int64(s.FlushInterval)},
		{"max-connections", int64(s.MaxConnections)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("--%s is negative: use 0 to turn it off", n.name))
		}
	}
	if least := 4 * s.MaxEventBytes; s.MemoryBudget > 0 && s.MemoryBudget < least {
		errs = append(errs, fmt.Errorf("--memory-budget %s is too small for events of --max-event-bytes %s: give it at least %s",
			formatSize(s.MemoryBudget), formatSize(s.MaxEventBytes), formatSize(least)))
	}
	return errors.Join(errs...)
}

func (s *Settings) validateDelivery() error {
	var errs []error
	if s.WriteTimeout <= 0 {
		errs = append(errs, errors.New("--write-timeout must be more than 0: without it clients that stopped reading would stay for ever"))
	}
	if s.DrainTimeout <= 0 {
		errs = append(errs, errors.New("--drain-timeout must be more than 0: it is the time that streams and publishes get to end properly"))
	}
	if s.MaxWriteBytes < 1<<10 || s.MaxWriteBytes > 64<<20 {
		errs = append(errs, errors.New("--max-write-bytes must be from 1KiB to 64MiB"))
	}
	if s.MaxEventBytes < 1 || s.MaxEventBytes > MaxEventBytesLimit {
		errs = append(errs, fmt.Errorf("--max-event-bytes must be from 1 to %s", formatSize(MaxEventBytesLimit)))
	}
	return errors.Join(errs...)
}

func (s *Settings) validateNames() error {
	var errs []error
	for _, n := range []struct{ name, value string }{{"release", s.Release}, {"node", s.Node}} {
		if !validName(n.value) {
			errs = append(errs, fmt.Errorf("--%s %q: use 1 to 64 letters, digits, dots, hyphens or underscores", n.name, n.value))
		}
	}
	return errors.Join(errs...)
}

func validName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, nameBytes) == ""
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// validateAddress wants host:port, and a host that only this machine can
// reach unless open access is asked for: there is no access control yet.
func (s *Settings) validateAddress(name, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--%s %q is not an address: write it like 127.0.0.1:8080", name, address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("--%s %q: %q is not a port", name, address, port)
	}
	if s.InsecureOpenAccess || loopback(host) {
		return nil
	}
	return fmt.Errorf("--%s %s can be reached from other machines, and everybody there could publish, subscribe and profile: "+
		"listen on 127.0.0.1, or accept that with --insecure-open-access", name, address)
}

// loopback reports whether every address of host is this machine's own.
func loopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	if host == "" {
		return false // all interfaces
	}
	ips, err := net.LookupIP(host)
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false
		}
	}
	return err == nil && len(ips) > 0
}
