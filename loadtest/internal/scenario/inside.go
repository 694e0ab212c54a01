package scenario

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/sluice-stream/sluice/loadtest/internal/report"
)

// inside is what the hubs say became of the events of the run's topics: the same
// equation from the other side (GET /v1/accounting).
type inside struct {
	Accepted, Due, Delivered, Told, Left, Behind, Lost uint64
}

// insideNow asks all hubs, and adds up. It is nil where there is none to ask, or
// one that keeps no account.
func (r *runner) insideNow() *inside {
	if len(r.admin) == 0 {
		return nil
	}
	all := &inside{}
	for _, admin := range r.admin {
		text, err := r.target.Get(r.ctx, admin, "/v1/accounting?prefix="+url.QueryEscape(r.prefix))
		var answer struct{ Total inside }
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		if err != nil {
			r.report.Notes = append(r.report.Notes, fmt.Sprintf("The hub's own account could not be had: %v.", err))
			return nil
		}
		all.add(&answer.Total, 1)
	}
	return all
}

func (i *inside) add(o *inside, times uint64) {
	i.Accepted += times * o.Accepted
	i.Due += times * o.Due
	i.Delivered += times * o.Delivered
	i.Told += times * o.Told
	i.Left += times * o.Left
	i.Behind += times * o.Behind
	i.Lost += times * o.Lost
}

// minus is what came since another moment: all but Behind, which is of now, and
// what is due with it.
func (i *inside) minus(before *inside) *report.Account {
	d := *i
	d.add(before, ^uint64(0)) // -1
	d.Behind, d.Due = i.Behind, d.Delivered+d.Told+d.Left+i.Behind+d.Lost
	return &report.Account{Accepted: d.Accepted, Offered: d.Accepted, Due: d.Due, Delivered: d.Delivered, Told: d.Told, Left: d.Left, Behind: d.Behind, Lost: d.Lost}
}

// reckonInside notes what the hubs say of the time since before.
func (r *runner) reckonInside(before *inside) {
	if before == nil {
		return
	}
	if now := r.insideNow(); now != nil {
		r.report.Inside = now.minus(before)
	}
}

// compareInside says where the hubs' account and that of the streams differ.
//
// While no connection ended, both must be the same. What was on its way over one
// that ended counts there as delivered, and once more to the connection after it:
// then the hubs have delivered at least as much.
func (r *runner) compareInside() {
	in, out := r.report.Inside, &r.report.Account
	if in == nil || r.never+r.slow > 0 {
		return
	}
	fail := func(what string, ours, theirs uint64) {
		r.report.Failures = append(r.report.Failures, fmt.Sprintf("the hub's own account differs: %s %d here, and %d there", what, ours, theirs))
	}
	if in.Lost > 0 {
		fail("lost", out.Lost, in.Lost)
	}
	if r.answers > 0 {
		return // their ends are events too, and who reloads has all once more
	}
	if ours := out.Accepted; in.Accepted < ours || in.Accepted > ours+out.Unknown {
		fail("accepted", ours, in.Accepted)
	}
	delivered := out.Delivered + out.Doubled
	broken := r.sampler.all.streams.Ends + r.sampler.all.streams.Returns
	if in.Delivered < delivered || broken == 0 && in.Delivered != delivered {
		fail("delivered", delivered, in.Delivered)
	}
}
