package report

import "fmt"

// Faults says what of an account must not be.
func (a *Account) Faults() (all []string) {
	for _, f := range []struct {
		n    uint64
		what string
	}{
		{a.Lost, "deliveries were lost"},
		{a.Doubled, "deliveries came twice"},
		{a.Disorder, "deliveries came out of order"},
		{a.Damaged, "deliveries were not what was sent"},
		{a.Extra, "deliveries were of events that were refused, or that nobody published"},
		{a.Astray, "deliveries went to streams that do not follow their topic"},
		{a.Behind, "deliveries had not come when the wait for them was over"},
		{a.Unknown, "publishes had no answer that says what became of them"},
		{a.Unsent, "publishes were in line when the wait for them was over"},
	} {
		if f.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	if a.Offered == 0 {
		all = append(all, "nothing was published")
	}
	if rest := int64(a.Due) - int64(a.Delivered+a.Told+a.Behind+a.Slow+a.Lost); rest != 0 {
		all = append(all, fmt.Sprintf("the account does not come out: of %d deliveries that were due, %d are in no column", a.Due, rest))
	}
	return all
}
