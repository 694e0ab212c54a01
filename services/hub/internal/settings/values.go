package settings

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
)

// The kinds of settings: each reads one value and says what it wants where
// it gets something else.

type text string

func (t *text) String() string { return string(*t) }

func (t *text) Set(s string) error {
	*t = text(s)
	return nil
}

// list holds the values of a setting that may be given several times, or
// several at a time with commas between.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = slices.AppendSeq(*l, items(s))
	return nil
}

// items yields what commas separate and is not blank.
func items(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}

// proxyList reads addresses and ranges of them.
type proxyList admission.Proxies

func (l *proxyList) String() string {
	parts := make([]string, len(*l))
	for i, p := range *l {
		parts[i] = p.String()
	}
	return strings.Join(parts, ",")
}

func (l *proxyList) Set(s string) error {
	for part := range items(s) {
		p, err := admission.ParseProxy(part)
		if err != nil {
			return err
		}
		*l = append(*l, p)
	}
	return nil
}

type onOff bool

func (b *onOff) String() string { return strconv.FormatBool(bool(*b)) }

// IsBoolFlag lets the flag stand without a value.
func (b *onOff) IsBoolFlag() bool { return true }

func (b *onOff) Set(s string) error {
	v, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("write true or false")
	}
	*b = onOff(v)
	return nil
}

type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }

func (c *count) Set(s string) error {
	n, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
	if err != nil {
		return errors.New("write a whole number")
	}
	*c = count(n)
	return nil
}

type ratio float64

func (r *ratio) String() string { return strconv.FormatFloat(float64(*r), 'g', -1, 64) }

func (r *ratio) Set(s string) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return errors.New("write a number like 0.01")
	}
	*r = ratio(v)
	return nil
}

type duration time.Duration

func (d *duration) String() string {
	s := time.Duration(*d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (d *duration) Set(s string) error {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return errDuration
		}
		*d = duration(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return errDuration
	}
	*d = duration(v)
	return nil
}

var errDuration = errors.New("write a time like 500ms, 15s, 24h or 7d")

type size int64

func (z *size) String() string { return formatSize(int64(*z)) }

func (z *size) Set(s string) error {
	number, unit := s, int64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(number, "_", ""), 10, 64)
	if err != nil || n > (1<<62)/unit || n < -(1<<62)/unit {
		return errors.New("write a size in bytes, or like 64KiB, 256MiB or 1GiB")
	}
	*z = size(n * unit)
	return nil
}

var units = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// formatSize writes n with the largest unit that leaves it whole.
func formatSize(n int64) string {
	for _, u := range units {
		if n != 0 && n%u.bytes == 0 && u.bytes > 1 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
