package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-stream/sluice/services/edge/internal/config"
)

func (e *edge) file(name string) string { return filepath.Join(e.Folder, name) }

// write writes nginx's files, and returns the addresses that it has the hub at.
func (e *edge) write(ctx context.Context) (known []string, err error) {
	// Where the edge is root's, nginx' workers are not: they pass through.
	if err := os.MkdirAll(e.Folder, 0o711); err != nil {
		return nil, fmt.Errorf("--folder: %w", err)
	}
	// Those that a killed edge has left behind would be in the way.
	for _, socket := range []string{"status.sock", "edge.sock"} {
		if err := os.Remove(e.file(socket)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("--folder: %w", err)
		}
	}
	if err := e.writeConfig(0); err != nil {
		return nil, err
	}
	if e.facts.Resolves(e.Hub) {
		return nil, nil
	}
	within, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	// A name server that does not answer yet is asked again.
	known, _ = e.lookup.Addresses(within)
	return known, e.writeHubs(known)
}

func (e *edge) writeConfig(generation int) error {
	text, err := config.Render(e.Settings, e.facts, generation)
	if err != nil {
		return err
	}
	if err := os.WriteFile(e.file("nginx.conf"), text, 0o600); err != nil {
		return fmt.Errorf("--folder: %w", err)
	}
	return nil
}

func (e *edge) writeHubs(addresses []string) error {
	if err := os.WriteFile(e.file("hub.conf"), config.Hubs(addresses), 0o600); err != nil {
		return fmt.Errorf("--folder: %w", err)
	}
	return nil
}
