package scenario

import "github.com/sluice-stream/sluice/loadtest/internal/report"

func (r *runner) insideNow() *report.Account          { return nil }
func (r *runner) reckonInside(before *report.Account) {}
