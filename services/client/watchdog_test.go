package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// A stream is given up when nothing has come for two and a half heartbeats and
// a moment. Every byte counts, comments too.
func TestSilence(t *testing.T) {
	limit := heartbeatMS*time.Millisecond*5/2 + 5*time.Second
	rows := []struct {
		name  string
		serve http.HandlerFunc // the first stream; it then falls silent
		set   func(*client.Options)
		after time.Duration // from the start to the first Waiting
		why   error
	}{
		{"after stream.open", func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"))
		}, nil, limit, client.ErrSilent},
		{"comments keep it", func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"))
			for range 10 {
				time.Sleep(40 * time.Second)
				streaming(w, ": ping\n\n")
			}
		}, nil, 400*time.Second + limit, client.ErrSilent},
		{"an interval of the hub's own", func(w http.ResponseWriter, r *http.Request) {
			streaming(w, strings.Replace(opening("1-0", "1-0"), fmt.Sprint(heartbeatMS), "2000", 1))
		}, nil, 10 * time.Second, client.ErrSilent},
		{"swallowed from the first byte", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Last-Event-ID", "1-0") // a hub's
			streaming(w)
		}, nil, limit, client.ErrSilent},
		{"no answer", func(w http.ResponseWriter, r *http.Request) {}, nil, 30 * time.Second, client.ErrNoAnswer},
		{"no answer for longer", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Hour)
		}, func(o *client.Options) { o.AnswerTimeout = 2 * time.Hour }, 2 * time.Hour, client.ErrNoAnswer},
		{"an answer at some time", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(24 * time.Hour)
			streaming(w, opening("1-0", "1-0"))
		}, func(o *client.Options) { o.AnswerTimeout = -1 }, 24*time.Hour + limit, client.ErrSilent},
		{"of another server", func(w http.ResponseWriter, r *http.Request) {
			streaming(w, "data: x\n\n")
		}, func(o *client.Options) { o.MaxSilence = 5 * time.Minute }, 5 * time.Minute, client.ErrSilent},
	}
	for _, row := range rows {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			streams := 0
			hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
				if streams++; streams > 1 {
					streaming(w, "id: 9-0\nevent: done\ndata: done\n\n")
					return
				}
				row.serve(w, r)
				<-r.Context().Done()
			})
			defer hub.stop()
			o := hub.options(d)
			if row.set != nil {
				row.set(&o)
			}
			for e, err := range client.Subscribe(t.Context(), o) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Type == "done" {
					break
				}
			}
			i := slices.IndexFunc(d.states, func(s client.State) bool { return s.Phase == client.Waiting })
			if d.at[i] != row.after || !errors.Is(d.states[i].Err, row.why) {
				t.Errorf("%s: given up after %v with %v, want %v, %v", row.name, d.at[i], d.states[i].Err, row.after, row.why)
			}
		})
	}
}

// A server that is no hub and announces nothing may be silent for as long as
// it likes.
func TestPatienceWithOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			streaming(w)
			time.Sleep(24 * time.Hour)
			streaming(w, "data: at last\n\n")
		})
		defer hub.stop()
		got, err := collect(t.Context(), hub.options(d), 1)
		if err != nil || got[0] != "at last" || d.phases() != "connecting open live closed" || d.at[1] != time.Second {
			t.Errorf("%v, %v, went through %s at %v", got, err, d.phases(), d.at)
		}
	})
}

// While the loop is busy and the buffer full, nobody reads: that is no silence.
func TestSlowLoopIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		const events = 20
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"))
			for i := range events {
				streaming(w, event(fmt.Sprintf("%d-0", i+2), strings.Repeat("x", 10_000)))
			}
			for r.Context().Err() == nil {
				time.Sleep(15 * time.Second)
				streaming(w, ": ping\n\n")
			}
		})
		defer hub.stop()
		o := hub.options(d)
		o.BufferBytes = 15_000
		n := 0
		for _, err := range client.Subscribe(t.Context(), o) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			if n++; n == events {
				break
			}
		}
		if got := d.phases(); got != "connecting open live closed" {
			t.Errorf("went through %s", got)
		}
	})
}
