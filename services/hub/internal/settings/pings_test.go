package settings

import (
	"io"
	"strings"
	"testing"
	"time"
)

// A ping must be answered or missed before the next; 0 turns each off.
func TestPingSettings(t *testing.T) {
	for _, row := range []struct {
		args []string
		want Pings
		err  string
	}{
		{nil, Pings{10 * time.Second, 3 * time.Second, 2}, ""},
		{[]string{"--ping-interval", "1s", "--pong-timeout", "1s", "--max-missed-pings", "7"}, Pings{time.Second, time.Second, 7}, ""},
		{[]string{"--ping-interval", "0", "--pong-timeout", "0", "--max-missed-pings", "0"}, Pings{-1, -1, -1}, ""},
		{[]string{"--ping-interval", "0"}, Pings{-1, 3 * time.Second, 2}, ""},
		{[]string{"--ping-interval", "2s"}, Pings{}, "--pong-timeout is longer than --ping-interval"},
		{[]string{"--ping-interval", "-1s"}, Pings{}, "--ping-interval is negative"},
		{[]string{"--pong-timeout", "-1s"}, Pings{}, "--pong-timeout is negative"},
		{[]string{"--max-missed-pings", "-1"}, Pings{}, "--max-missed-pings is negative"},
	} {
		s, err := Parse(row.args, env(), io.Discard)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%v: %v, want %s", row.args, err, row.err)
			}
			continue
		}
		if err != nil || s.Pings() != row.want {
			t.Errorf("%v: %+v, %v", row.args, s.Pings(), err)
		}
	}
}
