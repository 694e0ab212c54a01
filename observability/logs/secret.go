package logs

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted stands in a line for what must not be there.
const redacted = "[redacted]"

// Secret is a text that no log, no format and no JSON shows; string(s) is the
// text itself. It can't help in an unexported field of a struct that is
// printed as a whole: fmt calls no methods there.
type Secret string

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter: verbs such as %x and %d ask no Stringer.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
