package admission

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func proxies(t testing.TB, list ...string) Proxies {
	t.Helper()
	var p Proxies
	for _, s := range list {
		one, err := ParseProxy(s)
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, one)
	}
	return p
}

func TestClient(t *testing.T) {
	trusted := []string{"10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48", "::ffff:198.51.100.9"}
	for _, row := range []struct {
		peer      string
		forwarded []string
		want      string
		told      bool
	}{
		{"203.0.113.1:999", nil, "203.0.113.1", false},
		{"203.0.113.1:999", []string{"1.2.3.4"}, "203.0.113.1", false}, // nobody whose word counts
		{"10.1.2.3:999", nil, "10.1.2.3", false},
		{"10.1.2.3:999", []string{"1.2.3.4"}, "1.2.3.4", true},
		{"10.1.2.3:999", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4", true},
		{"10.1.2.3:999", []string{"6.6.6.6, 1.2.3.4, 10.9.9.9,192.0.2.7"}, "1.2.3.4", true},
		{"10.1.2.3:999", []string{"6.6.6.6", "1.2.3.4", "10.9.9.9"}, "1.2.3.4", true},
		{"10.1.2.3:999", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1", true},
		{"10.1.2.3:999", []string{"1.2.3.4:5678"}, "1.2.3.4", true},
		{"10.1.2.3:999", []string{"[2001:db8::5]:80"}, "2001:db8::5", true},
		{"10.1.2.3:999", []string{"2001:db8::5"}, "2001:db8::5", true},
		{"10.1.2.3:999", []string{"::ffff:1.2.3.4"}, "1.2.3.4", true},
		{"10.1.2.3:999", []string{"unknown"}, "10.1.2.3", false},
		{"10.1.2.3:999", []string{"1.2.3.4, nonsense, 10.4.4.4"}, "10.4.4.4", true},
		{"10.1.2.3:999", []string{""}, "10.1.2.3", false},
		{"10.1.2.3:999", []string{",,,"}, "10.1.2.3", false},
		{"[::ffff:10.1.2.3]:999", []string{"1.2.3.4"}, "1.2.3.4", true},
		{"[2001:db8:1::9]:999", []string{"1.2.3.4"}, "1.2.3.4", true},
		{"198.51.100.9:1", []string{"1.2.3.4"}, "1.2.3.4", true},
		{"[fe80::1%eth0]:999", nil, "fe80::1", false},
		{"@", nil, "invalid IP", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = row.peer
		r.Header["X-Forwarded-For"] = row.forwarded
		if at, told := proxies(t, trusted...).Client(r); at.String() != row.want || told != row.told {
			t.Errorf("%s for %v: %v %v, want %s %v", row.peer, row.forwarded, at, told, row.want, row.told)
		}
		if row.forwarded != nil && strings.Join(r.Header["X-Forwarded-For"], "|") != strings.Join(row.forwarded, "|") {
			t.Errorf("the header was changed to %v", r.Header["X-Forwarded-For"])
		}
	}
}

func TestSent(t *testing.T) {
	for peer, want := range map[string]bool{"10.1.2.3:1": true, "[::ffff:10.1.2.3]:1": true, "203.0.113.1:1": false, "": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		if proxies(t, "10.0.0.0/8").Sent(r) != want {
			t.Errorf("%q: want %v", peer, want)
		}
	}
}

// However long the list is, it is followed for so long and no longer.
func TestManyHops(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "1.2.3.4"+strings.Repeat(",10.0.0.2", 1000))
	if at, _ := proxies(t, "10.0.0.0/8").Client(r); at.String() != "10.0.0.2" {
		t.Errorf("got %v", at)
	}
}

func TestParseProxy(t *testing.T) {
	for s, want := range map[string]string{"10.0.0.7": "10.0.0.7/32", "10.0.0.7/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128"} {
		if p, err := ParseProxy(s); err != nil || p.String() != want {
			t.Errorf("%s: %v, %v", s, p, err)
		}
	}
	for _, s := range []string{"", "proxy.example", "10.0.0.0/33", "10.0.0.", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if p, err := ParseProxy(s); err == nil || !strings.Contains(err.Error(), "write it like") {
			t.Errorf("%s: %v, %v", s, p, err)
		}
	}
}

// Who finds no place gets one that comes free within a moment, those first
// that came first, and few wait.
func TestShareWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places = 4
		s, a := NewShare(places), netip.MustParseAddr("192.0.2.1")
		var giveBack func()
		for range places {
			giveBack, _ = s.Take(t.Context(), a)
		}
		gone, leave := context.WithCancel(t.Context())
		var mu sync.Mutex // guards order
		var order []int
		note := func(i int) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		}
		var waiters sync.WaitGroup
		for i := range places {
			ctx := t.Context()
			if i == 1 {
				ctx = gone
			}
			waiters.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // one after the other
				back, ok := s.Take(ctx, a)
				if !ok {
					note(-i)
					return
				}
				note(i)
				time.Sleep(10 * time.Millisecond)
				if i < places-2 { // the last is to come too late
					back()
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		if _, ok := s.Take(t.Context(), a); ok || time.Since(began) != 0 {
			t.Error("too many wait")
		}
		leave()
		synctest.Wait()
		giveBack()
		waiters.Wait()
		if want := []int{-1, 0, 2, -3}; !slices.Equal(order, want) {
			t.Errorf("served in the order %v, want %v", order, want)
		}
		if len(s.queue) != 0 || s.held[group(a)] != places {
			t.Errorf("left: %v, %v", s.queue, s.held)
		}
	})
}

func TestShare(t *testing.T) {
	a := netip.MustParseAddr
	s := NewShare(2)
	var back []func()
	for _, row := range []struct {
		address string
		ok      bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.1", false}, {"192.0.2.2", true},
		{"2001:db8::1", true}, {"2001:db8::ffff:1", true}, {"2001:db8::2", false}, {"2001:db8:0:1::1", true},
	} {
		giveBack, ok := s.Take(t.Context(), a(row.address))
		if ok != row.ok {
			t.Errorf("%s: %v", row.address, ok)
		}
		if ok {
			back = append(back, giveBack)
		}
	}
	for _, giveBack := range back {
		giveBack()
	}
	if len(s.held) != 0 {
		t.Errorf("%v is kept of nobody", s.held)
	}
	off := NewShare(0)
	for range 10 {
		if _, ok := off.Take(t.Context(), a("192.0.2.1")); !ok || len(off.held) != 0 {
			t.Error("0 is a limit")
		}
	}
}
