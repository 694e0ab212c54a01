package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gosse "github.com/tmaxmax/go-sse"

	"github.com/sluice-stream/sluice/observability/backends/needs"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
	"github.com/sluice-stream/sluice/services/client"
)

// foreign is a server of events that is not ours. Its events are numbers.
type foreign struct {
	url     string
	path    string
	publish func(n int)
	cut     func() // ends the streams that are open
	shy     bool   // it does not answer before the first event
}

// The client follows servers that nobody here wrote, resumes where they can,
// and takes each event once.
func TestClientWithOtherServers(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(*testing.T) foreign{"net/http": plainServer, "go-sse": goSSEServer, "nchan": nchanServer} {
		t.Run(name, func(t *testing.T) {
			if name == "go-sse" && underRace {
				t.Skip("go-sse 0.12 goes on with a replay after its request has ended, which is a race of its own: run it without the detector")
			}
			const before, after = 5, 5
			f := serve(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			seen, next, begun := &states{}, 1, false
			var publishing sync.WaitGroup
			defer publishing.Wait()
			begin := func() {
				for n := range before {
					f.publish(n + 1)
				}
			}
			o := client.Options{URL: f.url, Path: f.path, Topics: []string{"numbers"}, OnState: func(s client.State) {
				seen.note(s)
				switch {
				case !begun && s.Phase == client.Live:
					begun = true
					begin()
				case !begun && f.shy:
					begun = true
					publishing.Go(func() {
						time.Sleep(time.Second) // nothing tells when it has subscribed
						begin()
					})
				case s.Phase == client.Waiting: // missed, unless it resumes
					for n := range after {
						f.publish(before + n + 1)
					}
				}
			}}
			for e, err := range client.Subscribe(ctx, o) {
				if err != nil || e.Data != strconv.Itoa(next) || e.Topic != "numbers" {
					t.Fatalf("got %+v, %v; want %d", e, err, next)
				}
				if next == before {
					f.cut()
				}
				if next++; next > before+after {
					break
				}
			}
			if seen.count(client.Open) != 2 || seen.count(client.Degraded) > 0 {
				t.Errorf("went through %+v", seen.all)
			}
		})
	}
}

// plainServer is what people write with net/http in an afternoon.
func plainServer(t *testing.T) foreign {
	var mu sync.Mutex
	events, more := 0, make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for {
			mu.Lock()
			last, wake := events, more
			mu.Unlock()
			for ; next < last; next++ {
				fmt.Fprintf(w, "id: %d\ndata: %d\n\n", next+1, next+1)
			}
			w.(http.Flusher).Flush()
			select {
			case <-wake:
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return foreign{url: s.URL, cut: s.CloseClientConnections, publish: func(n int) {
		mu.Lock()
		defer mu.Unlock()
		events = n
		close(more)
		more = make(chan struct{})
	}}
}

func goSSEServer(t *testing.T) foreign {
	replay, err := gosse.NewFiniteReplayer(100, false)
	if err != nil {
		t.Fatal(err)
	}
	provider := &gosse.Joe{Replayer: replay}
	s := httptest.NewServer(&gosse.Server{Provider: provider})
	t.Cleanup(s.Close)
	t.Cleanup(func() { provider.Shutdown(context.Background()) })
	return foreign{url: s.URL, path: "/events", shy: true, cut: s.CloseClientConnections, publish: func(n int) {
		m := &gosse.Message{ID: gosse.ID("event " + strconv.Itoa(n))}
		m.AppendData(strconv.Itoa(n))
		if err := provider.Publish(m, []string{gosse.DefaultTopic}); err != nil {
			t.Error(err)
		}
	}}
}

const nchanConfig = `
load_module %[1]s;
daemon off;
worker_processes 1;
error_log stderr error;
pid %[2]s/nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s;
		location = /sub { nchan_subscriber eventsource; nchan_channel_id numbers; nchan_subscriber_first_message newest; }
		location = /pub { nchan_publisher; nchan_channel_id numbers; nchan_message_timeout 1m; }
	}
}
`

// nchanServer is Nchan in a real nginx, with a way to it that can be cut.
func nchanServer(t *testing.T) foreign {
	nginx, err := exec.LookPath("nginx")
	module := "/usr/lib/nginx/modules/ngx_nchan_module.so"
	if _, none := os.Stat(module); err != nil || none != nil {
		needs.Missing(t, "no Nchan: apt-get install nginx libnginx-mod-nchan")
	}
	folder, address := t.TempDir(), programtest.FreeAddress(t)
	config := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nchanConfig, module, folder, address), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(nginx, "-c", config, "-p", folder)
	said := &reports{more: make(chan struct{}, 1)}
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		c.Wait()
	})
	await(t, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		} else if text := said.String(); strings.Contains(text, "[emerg]") {
			t.Fatal(text)
		}
		return err == nil
	})
	way := newNetwork(t, address)
	return foreign{url: "http://" + way.address, path: "/sub", cut: way.cut, publish: func(n int) {
		answer, err := http.Post("http://"+address+"/pub", "text/plain", strings.NewReader(strconv.Itoa(n)))
		if err != nil {
			t.Error(err)
			return
		}
		answer.Body.Close()
		if !slices.Contains([]int{200, 201, 202}, answer.StatusCode) {
			t.Errorf("Nchan answered %s", answer.Status)
		}
	}}
}
