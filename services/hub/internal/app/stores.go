package app

import (
	"path/filepath"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/pebblelog"
	"github.com/sluice-stream/sluice/services/hub/internal/clients"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// keyAge is how long an idempotency key is remembered.
const keyAge = 24 * time.Hour

func (h *hub) openStore() (eventlog.Store, error) {
	s := &h.settings
	if s.Store == settings.Memory {
		return eventlog.Memory(eventlog.MemoryOptions{Retention: s.Retention(), MaxTopics: s.MaxTopics, Keys: keys(s)}), nil
	}
	var err error
	h.disk, err = pebblelog.Open(s.Data, pebblelog.Options{
		Retention: s.Retention(),
		MaxTopics: s.MaxTopics,
		Keys:      keys(s),
		Memory:    s.DatabaseMemory(),
		OnFailure: func(err error) {
			h.logger.Error("the store can't go on: the hub ends", "event_type", "sse_error", "error", err.Error())
			h.broken <- err
		},
		OnDamage: func(topic string, err error) {
			h.logger.Error("the store found something damaged", "event_type", "sse_error", "topic", topic, "error", err.Error())
		},
	})
	if err != nil {
		return nil, err
	}
	return h.disk, nil
}

// diskFigures are those of the disk store; none of a store in memory.
func (h *hub) diskFigures() observability.DiskFigures {
	if h.disk == nil {
		return observability.DiskFigures{}
	}
	f := h.disk.Figures()
	return observability.DiskFigures{
		Bytes:        map[string]int64{observability.DiskTables: f.TableBytes, observability.DiskLog: f.LogBytes},
		Written:      map[string]uint64{observability.DiskTables: f.TableWritten, observability.DiskLog: f.LogWritten},
		FreeBytes:    f.FreeBytes,
		ReserveBytes: f.ReserveBytes,
		DebtBytes:    f.DebtBytes,
		ReadTables:   f.ReadAmplification,
		Stalls:       f.Stalls,
		Stalled:      f.Stalled,
		Failures:     f.Failures,
	}
}

func keys(s *settings.Settings) eventlog.KeyOptions {
	return eventlog.KeyOptions{Age: keyAge, Most: s.IdempotencyKeys}
}

// openClients opens what is known of named clients. It is kept where the
// events are: cursors are worth as much as those.
func (h *hub) openClients() (*clients.Table, error) {
	o := clients.Options{Failed: func(err error) {
		h.logger.Error("named clients could not be saved; it will be tried again", "event_type", "sse_error", "error", err.Error())
	}}
	if h.settings.Store == settings.Disk {
		o.Path = filepath.Join(h.settings.Data, "clients.jsonl")
	}
	return clients.Open(o)
}
