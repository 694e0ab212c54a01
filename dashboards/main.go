// Command dashboards writes the Grafana dashboards next to its own source: the
// JSON that Grafana is provisioned with. Run it from anywhere in the checkout:
//
//	go run ./dashboards
//
// Each dashboard is a file of its own here. A panel asks a question in its
// title and says in its description what is normal and what to do otherwise;
// its lines of warning are the limits at which alerts fire.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// boards are all dashboards, in the order in which they are read.
func boards() []board {
	return []board{overview(), delivery(), connections(), resumeAndStorage(), admission(), runtimeAndTelemetry(), edge()}
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintf(os.Stderr, "dashboards: %v\n", err)
		os.Exit(1)
	}
}

// write writes all dashboards.
func write() error {
	_, source, _, ok := runtime.Caller(0)
	if !ok {
		return fmt.Errorf("the folder of the source is not known")
	}
	for _, b := range boards() {
		text, err := b.json()
		if err != nil {
			return fmt.Errorf("%s: %w", b.uid, err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(source), b.file()), text, 0o644); err != nil {
			return fmt.Errorf("%w: run this in a checkout that can be written", err)
		}
	}
	return nil
}
