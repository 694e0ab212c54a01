package client_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// Pings are answered within the moment, with the last event that the loop has
// taken, also while it is busy with the next one. They are not events.
func TestPongs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		var mu sync.Mutex
		var pongs []string
		var late []time.Duration
		sent := time.Now()
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				pongs = append(pongs, string(body))
				late = append(late, time.Since(sent))
				mu.Unlock()
				if r.URL.Path != "/v1/connections/n1-1/pong" || r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("Idempotency-Key") != "" {
					t.Errorf("answered to %v with %v", r.URL, r.Header)
				}
				w.WriteHeader(204)
				return
			}
			if r.URL.Query().Get("heartbeat") != "pong" || r.URL.Query().Get("client_id") != "me" {
				t.Errorf("asked for %v", r.URL)
			}
			streaming(w, opening("1-0", "1-0"), event("2-0", "quick"), event("3-0", "slow"))
			for seq := range 3 {
				time.Sleep(10 * time.Second)
				mu.Lock()
				sent = time.Now()
				mu.Unlock()
				streaming(w, fmt.Sprintf("event: stream.ping\ndata: {\"seq\":%d,\"ts\":17638200000%d}\n\n", seq+1, seq))
			}
			time.Sleep(time.Second)
			streaming(w, event("4-0", "last"))
			<-r.Context().Done()
		})
		defer hub.stop()
		o := hub.options(d)
		o.Pong, o.ClientID, o.Token = true, "me", token("t")
		var types []string
		for e, err := range client.Subscribe(t.Context(), o) {
			if err != nil {
				t.Fatal(err)
			}
			types = append(types, e.Data)
			if e.Data == "slow" {
				time.Sleep(25 * time.Second)
			} else if e.Data == "last" {
				break
			}
		}
		want := []string{`{"seq":1,"ts":176382000000,"last_event_id":"2-0"}`, `{"seq":2,"ts":176382000001,"last_event_id":"2-0"}`,
			`{"seq":3,"ts":176382000002,"last_event_id":"3-0"}`}
		if !slices.Equal(pongs, want) || slices.Max(late) > time.Second || len(types) != 3 {
			t.Errorf("answered %v after %v, got %v", pongs, late, types)
		}
	})
}

// A pong that hangs, fails or is refused takes nothing with it, and the latest
// ping is the next to be answered.
func TestPongsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		var mu sync.Mutex
		var pongs []string
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				pongs = append(pongs, string(body)[:8])
				n := len(pongs)
				mu.Unlock()
				switch n {
				case 1:
					<-r.Context().Done()
				case 2:
					w.WriteHeader(404)
				case 3:
					panic(http.ErrAbortHandler)
				}
				return
			}
			streaming(w, opening("1-0", "1-0"))
			for seq := range 6 {
				streaming(w, fmt.Sprintf("event: stream.ping\ndata: {\"seq\":%d,\"ts\":1}\n\n", seq+1))
				time.Sleep(time.Second)
			}
			streaming(w, "event: stream.ping\ndata: nonsense\n\n", event("2-0", "x"))
			<-r.Context().Done()
		})
		defer hub.stop()
		if _, err := collect(t.Context(), hub.options(d), 1); err != nil {
			t.Fatal(err)
		}
		if got := d.phases(); got != "connecting open live closed" {
			t.Errorf("went through %s", got)
		}
		if first, last := pongs[0], pongs[len(pongs)-1]; first != `{"seq":1` || last != `{"seq":6` || slices.Contains(pongs, `{"seq":2`) {
			t.Errorf("answered %v", pongs)
		}
	})
}
