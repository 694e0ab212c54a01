package logs

import (
	"fmt"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// verdict is the logger of a client, and so what is known of its one push. It
// is the client's until that is stopped.
type verdict struct {
	failed bool
	status int // of the answer; -1: there was none; 0: nothing was sent
	cause  error
}

// Log implements the logger of go-kit. The client logs an error, with the
// status, when it gives a batch up; a push that it says nothing of succeeded.
func (v *verdict) Log(pairs ...any) error {
	said := make(map[any]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		said[pairs[i]] = pairs[i+1]
	}
	if fmt.Sprint(said["level"]) == "error" {
		v.failed = true
		v.status, _ = said["status"].(int)
		v.cause, _ = said["error"].(error)
	}
	return nil
}

func (v *verdict) err() error {
	switch {
	case !v.failed:
		return nil
	case v.status == -1 || v.status == 429 || v.status >= 500:
		return fmt.Errorf("pushing to Loki: %w", v.cause)
	default:
		return fmt.Errorf("pushing to Loki: %w: %w", outbox.ErrRejected, v.cause)
	}
}
