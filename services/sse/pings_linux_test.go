package sse

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

const second = time.Second

// slack is how late a loop may be: a tick of its wheel.
const slack = 200 * time.Millisecond

func (v *virtual) pong(seq uint64, want error) {
	v.t.Helper()
	if err := v.h.Pong(v.id, "", Pong{Seq: seq}); !errors.Is(err, want) {
		v.t.Errorf("pong %d: %v, want %v", seq, err, want)
	}
}

// TestTwoWayHeartbeat walks through every transition: healthy, degraded and
// back by a late pong and by one in time, dead.
func TestTwoWayHeartbeat(t *testing.T) {
	inVirtualTime(t, nil, "heartbeat=pong", func(v *virtual) {
		if !strings.Contains(v.text, `"heartbeat":{"mode":"pong","interval_ms":10000,"timeout_ms":3000}`) {
			t.Errorf("opened with %s", v.text)
		}
		v.pong(0, ErrStalePong) // none was sent
		v.pong(1, ErrStalePong) // in advance
		v.awaitPing(10*second, 10*second+slack)
		if want := fmt.Sprintf(`{"seq":1,"ts":%d}`, time.Now().UnixMilli()); !strings.Contains(v.text, want) {
			t.Errorf("the ping is not %s: %s", want, v.text)
		}
		time.Sleep(second)
		v.pong(1, nil)
		rtt := v.rtts[0]
		if rtt < second || rtt > second+20*time.Millisecond {
			t.Errorf("the round trip took %v", rtt)
		}
		v.expectHealth(Healthy, rtt, 0, 1)

		// Others change nothing.
		for seq, want := range map[uint64]error{1: nil, 0: ErrStalePong, 2: ErrStalePong, 1 << 63: ErrStalePong} {
			v.pong(seq, want)
		}
		v.expectHealth(Healthy, rtt, 0, 1)

		// One missed, and a late answer.
		v.awaitPing(9*second-slack, 9*second+slack)
		v.pong(1, ErrStalePong) // the one before
		v.pass(3*second - slack)
		v.expectHealth(Healthy, rtt, 0, 1)
		v.pass(2 * slack)
		v.expectHealth(Degraded, rtt, 1, 1)
		v.pong(1, ErrStalePong)
		v.expectHealth(Degraded, rtt, 1, 1)
		v.pong(2, nil)
		rtt = v.rtts[1]
		v.expectHealth(Healthy, rtt, 1, 2)
		if rtt < 3*second {
			t.Errorf("the late round trip took %v", rtt)
		}

		// One missed, and the next answered.
		v.awaitPing(6*second, 10*second)
		v.awaitPing(10*second-slack, 10*second+slack)
		v.expectHealth(Degraded, rtt, 2, 2)
		v.pong(3, ErrStalePong) // too late for a late one
		v.expectHealth(Degraded, rtt, 2, 2)
		v.pong(4, nil)
		v.expectHealth(Healthy, v.rtts[2], 2, 3)

		// Two missed in a row.
		v.awaitPing(9*second, 10*second+slack)
		v.awaitPing(10*second-slack, 10*second+slack)
		v.expectHealth(Degraded, v.rtts[2], 3, 3)
		took := v.awaitEnd(ReasonPongTimeout, 4*second)
		if took < 3*second-slack || took > 3*second+slack {
			t.Errorf("closed after %v", took)
		}
		v.pong(6, ErrNoConnection)
		if v.lost != 4 || v.pings() != 6 {
			t.Errorf("%d missed of %d", v.lost, v.pings())
		}
	})
}

// TestHeartbeatOptions: each can be off.
func TestHeartbeatOptions(t *testing.T) {
	for _, row := range []struct {
		name    string
		options func(*Handler)
		query   string
		told    string
		pings   int // in a minute without any pong
		lost    int
		health  Health
	}{
		{"no pings", func(h *Handler) { h.PingInterval = -1 }, "heartbeat=pong", `"mode":"comment","interval_ms":0}`, 0, 0, ""},
		{"not asked for", nil, "heartbeat=comment", `"mode":"comment","interval_ms":0}`, 0, 0, ""},
		{"empty", nil, "heartbeat=", `"mode":"comment","interval_ms":0}`, 0, 0, ""},
		{"for ever", func(h *Handler) { h.PongTimeout = -1 }, "heartbeat=pong", `"mode":"pong","interval_ms":10000}`, 5, 0, Healthy},
		{"any number", func(h *Handler) { h.MaxMissedPings = -1 }, "heartbeat=pong", `"mode":"pong","interval_ms":10000,"timeout_ms":3000}`, 5, 5, Degraded},
		{"many", func(h *Handler) { h.PingInterval, h.PongTimeout, h.MaxMissedPings = 5*second, second, 30 }, "heartbeat=pong",
			`"mode":"pong","interval_ms":5000,"timeout_ms":1000}`, 11, 11, Degraded},
		{"a time-out beyond the interval", func(h *Handler) { h.PongTimeout, h.MaxMissedPings = 15*second, 10 }, "heartbeat=pong",
			`"mode":"pong","interval_ms":10000,"timeout_ms":10000}`, 5, 4, Degraded},
	} {
		t.Run(row.name, func(t *testing.T) {
			inVirtualTime(t, row.options, row.query, func(v *virtual) {
				if !strings.Contains(v.text, row.told) {
					t.Errorf("opened with %s", v.text)
				}
				v.pass(59 * second)
				if v.pings() != row.pings {
					t.Errorf("%d pings", v.pings())
				}
				v.expectHealth(row.health, 0, row.lost, 0)
				if row.pings == 0 {
					v.pong(1, ErrStalePong)
				}
			})
		})
	}
}

// TestForeignPongs: who answers for somebody else changes nothing, nor does
// an unknown or a malformed answer.
func TestForeignPongs(t *testing.T) {
	admit := func(h *Handler) {
		h.Node = "n7"
		h.Admit = func(r *http.Request, _ []string) (Admission, *Rejection) { return Admission{Subject: "ann"}, nil }
	}
	inVirtualTime(t, admit, "heartbeat=pong", func(v *virtual) {
		v.awaitPing(10*second, 11*second)
		for _, row := range []struct {
			id, subject, at string
			want            error
		}{
			{v.id, "bob", "", ErrForeign},
			{v.id, "", "", ErrForeign},
			{v.id, "bob", "nonsense", ErrForeign}, // it isn't told what is wrong
			{strings.TrimPrefix(v.id, "n7-"), "ann", "", ErrNoConnection},
			{"n7-00000000000000000000000000000000", "ann", "", ErrNoConnection},
			{v.id + "0", "ann", "", ErrNoConnection},
			{"", "ann", "", ErrNoConnection},
			{v.id, "ann", "nonsense", ErrBadPong},
			{v.id, "ann", "a@1,a@2", ErrBadPong},
		} {
			if err := v.h.Pong(row.id, row.subject, Pong{Seq: 1, LastEventID: row.at}); !errors.Is(err, row.want) {
				t.Errorf("%+v: %v", row, err)
			}
		}
		v.expectHealth(Healthy, 0, 0, 0)
		v.pass(3*second + slack)
		v.expectHealth(Degraded, 0, 1, 0)
		if err := v.h.Pong(v.id, "ann", Pong{Seq: 1, LastEventID: "$"}); err != nil {
			t.Error(err)
		}
		v.expectHealth(Healthy, v.rtts[0], 1, 1)
	})
}

// TestNoPingWhileBehind: a client that has not taken what was sent before is
// not pinged, and is as soon as it has.
func TestNoPingWhileBehind(t *testing.T) {
	inVirtualTime(t, nil, "heartbeat=pong", func(v *virtual) {
		v.publish(40, 250<<10)
		time.Sleep(35 * second) // it does not read
		v.expectHealth(Healthy, 0, 0, 0)
		v.until("a ping", 2*second, func() bool { return v.pings() > 0 })
		if events := strings.Count(v.text, "data: x"); events != 40 || strings.Contains(v.text, `"seq":2`) {
			t.Errorf("%d events before the first ping", events)
		}
		if i, k := strings.Index(v.text, "stream.ping"), strings.LastIndex(v.text, "data: x"); i < k {
			t.Error("the ping came before the events")
		}
	})
}

func (v *virtual) publish(n, size int) {
	v.t.Helper()
	entry := eventlog.TextEntry("", strings.Repeat("x", size))
	for range n {
		if _, err := v.log.Append(v.t.Context(), "a", entry); err != nil {
			v.t.Fatal(err)
		}
	}
}

// TestExpiry: a stream ends in order when its token does.
func TestExpiry(t *testing.T) {
	for _, after := range []time.Duration{0, 300 * time.Millisecond, 30 * second, 90 * time.Minute} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			inVirtualTime(t, admitFor(after), "", func(v *virtual) {
				start := time.Now()
				time.Sleep(max(after-second, 0))
				v.until("the end", 3*second, func() bool { return v.reason() != "" }) // the loop waits for its client's FIN
				if took := time.Since(start); took < after || v.reason() != ReasonTokenExpired {
					t.Errorf("after %v it ended: %s", took, v.reason())
				}
				v.settle()
				at := strings.Index(v.text, "event: stream.expired\ndata: {\"expired_ms\":")
				if at < 0 || strings.Contains(v.text[at:], "id:") || strings.Count(v.text, "stream.") != 2 {
					t.Errorf("it ended with %s", v.text)
				}
			})
		})
	}
}

func (v *virtual) reason() Reason {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ended
}

func admitFor(d time.Duration) func(*Handler) {
	return func(h *Handler) {
		h.Admit = func(*http.Request, []string) (Admission, *Rejection) {
			return Admission{Expires: time.Now().Add(d)}, nil
		}
	}
}

// TestEndWhileStalled: who takes nothing is cut off soon after its stream was
// told to end, whatever the write time-out.
func TestEndWhileStalled(t *testing.T) {
	for _, row := range []struct {
		name    string
		options func(*Handler)
		end     func(*virtual)
		reason  Reason
	}{
		{"disconnect", nil, func(v *virtual) { v.h.Disconnect(v.id) }, ReasonAdmin},
		{"expiry", admitFor(20 * second), func(v *virtual) { time.Sleep(10 * second) }, ReasonTokenExpired},
		{"drain", nil, func(v *virtual) { v.h.Drain(v.t.Context(), 0) }, ReasonDrain},
	} {
		t.Run(row.name, func(t *testing.T) {
			inVirtualTime(t, row.options, "heartbeat=pong", func(v *virtual) {
				v.publish(40, 250<<10)
				time.Sleep(10 * second)
				row.end(v)
				if took := v.awaitEnd(row.reason, endTime+slack); took < endTime-slack {
					t.Errorf("cut off after %v", took)
				}
			})
		})
	}
}
