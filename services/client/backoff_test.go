package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// A server that is away is tried after 1, 2, 4, 8 s; from the fifth failure on
// the subscription is degraded, which is said once, and tries each minute; the
// first success ends that, and the next break begins anew.
func TestBackOffAndDegraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		streams := 0
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			streams++
			streaming(w, opening("1-0", "1-0"), event(fmt.Sprintf("%d-0", streams+1), fmt.Sprint(streams)))
		})
		defer hub.stop()
		hub.setAway(true)
		time.AfterFunc(10*time.Minute, func() { hub.setAway(false) })
		got, err := collect(t.Context(), hub.options(d), 3)
		if err != nil || strings.Join(got, " ") != "1 2 3" {
			t.Fatalf("got %v, %v", got, err)
		}
		waits := d.all(client.Waiting)
		for i, base := range []time.Duration{1, 2, 4, 8, 60, 60, 60} {
			between(t, fmt.Sprintf("wait %d", i+1), waits[i].Wait, base*time.Second)
			if waits[i].Failures != i+1 || waits[i].Err == nil {
				t.Errorf("wait %d: %+v", i, waits[i])
			}
		}
		degraded := d.all(client.Degraded)
		if len(degraded) != 1 || degraded[0].Failures != 5 || degraded[0].Err == nil {
			t.Errorf("degraded: %+v", degraded)
		}
		opens := d.all(client.Open)
		if len(opens) != 3 || opens[0].Failures < 8 || opens[1].Failures != 0 || opens[1].Connection != "n1-1" {
			t.Errorf("opens: %+v", opens)
		}
		for _, w := range waits[len(waits)-2:] { // the server's own retry
			asked(t, "wait after a stream", w.Wait, 2*time.Second)
			if w.Failures != 0 {
				t.Errorf("%+v", w)
			}
		}
	})
}

// Degraded is entered again by five more failures.
func TestDegradedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		attempts := 0
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			if attempts++; attempts%7 == 0 {
				streaming(w, opening("1-0", "1-0"), event(fmt.Sprintf("%d-0", attempts), "x"))
				return
			}
			w.WriteHeader(503)
		})
		defer hub.stop()
		if _, err := collect(t.Context(), hub.options(d), 2); err != nil {
			t.Fatal(err)
		}
		once := "rejected waiting rejected waiting rejected waiting rejected waiting rejected degraded waiting rejected waiting open live"
		if got := d.phases(client.Connecting); got != once+" waiting "+once+" closed" {
			t.Errorf("went through %s", got)
		}
	})
}

// What servers ask for is kept to: Retry-After in both forms and the retry of
// a refusal within a stream are the least, and the retry of stream.drain is it.
func TestServersAskForTime(t *testing.T) {
	rejected := "retry: 25000\nid: 7-0\nevent: stream.rejected\ndata: {\"status\":503,\"type\":\"urn:sluice:problem:draining\",\"permanent\":false}\n\n"
	rows := []struct {
		name        string
		answer      func(http.ResponseWriter)
		least, most time.Duration
		status      int
	}{
		{"seconds", refuse(429, "30"), 30 * time.Second, 30 * time.Second, 429},
		{"less than the back-off", refuse(503, "0"), time.Second / 2, 3 * time.Second / 2, 503},
		{"far too long", refuse(429, "100000000"), time.Hour, time.Hour, 429},
		{"nonsense", refuse(429, "soon"), time.Second / 2, 3 * time.Second / 2, 429},
		{"date", func(w http.ResponseWriter) {
			refuse(503, time.Now().Add(40*time.Second).UTC().Format(http.TimeFormat))(w)
		}, 39 * time.Second, 40 * time.Second, 503},
		{"in a stream", func(w http.ResponseWriter) { streaming(w, rejected) }, 25 * time.Second, 25 * time.Second, 503},
	}
	for _, row := range rows {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			attempts := 0
			hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
				if attempts++; attempts == 1 {
					row.answer(w)
					return
				}
				streaming(w, opening("1-0", "1-0"), event("2-0", "x"))
			})
			defer hub.stop()
			if _, err := collect(t.Context(), hub.options(d), 1); err != nil {
				t.Fatal(err)
			}
			wait := d.all(client.Waiting)[0]
			if wait.Wait < row.least || wait.Wait > row.most {
				t.Errorf("%s: waited %v, want %v to %v", row.name, wait.Wait, row.least, row.most)
			}
			var why *client.RejectedError
			if !errors.As(wait.Err, &why) || why.Status != row.status || why.Permanent || wait.Failures != 1 {
				t.Errorf("%s: because of %v", row.name, wait.Err)
			}
		})
	}
}

func refuse(status int, after string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
	}
}

// A drain is announced; the client stays to the end of the stream and comes
// back after exactly the time that it was given.
func TestDrainIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		streams := 0
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			if streams++; streams == 2 {
				streaming(w, opening("3-0", "3-0"), event("4-0", "after"))
				return
			}
			streaming(w, opening("1-0", "1-0"), event("2-0", "before"), "retry: 4321\nevent: stream.drain\ndata: {\"ends_in_ms\":9000}\n\n")
			time.Sleep(9 * time.Second)
			streaming(w, event("3-0", "meanwhile"))
		})
		defer hub.stop()
		got, err := collect(t.Context(), hub.options(d), 3)
		if err != nil || strings.Join(got, " ") != "before meanwhile after" {
			t.Errorf("got %v, %v", got, err)
		}
		if wait := d.all(client.Waiting)[0]; wait.Wait != 4321*time.Millisecond || wait.Failures != 0 {
			t.Errorf("waited %+v", wait)
		}
		if got := d.phases(); got != "connecting open live draining waiting connecting open live closed" {
			t.Errorf("went through %s", got)
		}
	})
}

// The retry of a stream takes the place of the base, also where it is 0, and
// is waited for whole.
func TestRetryIsTheBase(t *testing.T) {
	for _, row := range []struct {
		retry string
		base  time.Duration
	}{{"retry: 20000\n\n", 20 * time.Second}, {"retry: 0\n\n", 100 * time.Millisecond}, {"", time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			streams := 0
			hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
				if streams++; streams == 2 {
					w.WriteHeader(500)
					return
				}
				streaming(w, row.retry, event(fmt.Sprint(streams), "x"))
			})
			defer hub.stop()
			if _, err := collect(t.Context(), hub.options(d), 2); err != nil {
				t.Fatal(err)
			}
			waits := d.all(client.Waiting)
			if row.retry == "" {
				between(t, "first", waits[0].Wait, row.base)
			} else {
				asked(t, "first", waits[0].Wait, row.base)
			}
			between(t, "second", waits[1].Wait, 2*row.base)
		})
	}
}

// The loop ends with its context, wherever it is: in a wait, while connecting,
// on a silent stream.
func TestContextEndsIt(t *testing.T) {
	cause := errors.New("enough")
	for name, h := range map[string]http.HandlerFunc{
		"waiting":    func(w http.ResponseWriter, r *http.Request) { refuse(503, "600")(w) },
		"connecting": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"streaming": func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"))
			<-r.Context().Done()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			hub := newPiped(h)
			defer hub.stop()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(10*time.Second, func() { cancel(cause) })
			if _, err := collect(ctx, hub.options(d), 1); !errors.Is(err, cause) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(d.start); took != 10*time.Second {
				t.Errorf("%s: after %v", name, took)
			}
			if last := d.all(client.Closed); len(last) != 1 || !errors.Is(last[0].Err, cause) {
				t.Errorf("%s: closed with %+v", name, last)
			}
		})
	}
}
