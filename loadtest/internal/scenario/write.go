package scenario

import (
	"fmt"
	"path/filepath"
)

// write writes the report where it is to be.
func (r *runner) write() error {
	if r.reportTo == "" {
		return nil
	}
	if err := r.report.Write(r.reportTo); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	fmt.Fprintf(r.out, "\nreport: %s\n", filepath.Join(r.reportTo, "report.html"))
	return nil
}
