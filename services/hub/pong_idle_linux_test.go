package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// Idle connections that are pinged stay small and cheap: as many as
// SLUICE_IDLE says, pinged every 10 s, for a minute.
func TestIdleMemoryWithPongs(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SLUICE_IDLE"))
	if err != nil {
		t.Skip("a minute of measuring: SLUICE_IDLE says how many connections, such as 10000")
	}
	p := newHubProcess(t, "--store", "memory")
	time.Sleep(2 * time.Second)
	before := residentBytes(t, p.cmd.Process.Pid)
	// The sockets of 1,000 pongs a second are kept, or loopback runs out of
	// ports.
	pool := &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}
	defer pool.CloseIdleConnections()
	client := &http.Client{Transport: pool, Timeout: 10 * time.Second}
	var readers sync.WaitGroup
	var streams []net.Conn
	for range n {
		c, err := net.Dial("tcp", p.public)
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, c)
		fmt.Fprintf(c, "GET /v1/events?topic=idle&heartbeat=pong HTTP/1.1\r\nHost: %s\r\n\r\n", p.public)
		readers.Go(func() { pongIdly(client, p.url(""), c) })
	}
	await(t, "all to be open", func() bool { return p.metric(`sse_connections{release="stable"}`) == float64(n) })
	time.Sleep(30 * time.Second) // handshakes become garbage, and each is pinged
	busy, missed, trips := cpuTime(t, p.cmd.Process.Pid), p.metric("sse_pings_missed_total"), p.metric("sse_ping_rtt_seconds_count")
	const window = 30 * time.Second
	time.Sleep(window)
	spent := cpuTime(t, p.cmd.Process.Pid) - busy
	answered := p.metric("sse_ping_rtt_seconds_count") - trips
	each := float64(residentBytes(t, p.cmd.Process.Pid)-before) / float64(n)
	t.Logf("%d connections: %.0f bytes of RSS each; %.1f %% of a core; %.0f pongs/s, %v missed; %s of CPU a ping with its pong",
		n, each, 100*spent.Seconds()/window.Seconds(), answered/window.Seconds(), p.metric("sse_pings_missed_total")-missed,
		time.Duration(float64(spent)/max(answered, 1)))
	if each > 4096 {
		t.Errorf("%.0f bytes each", each)
	}
	if answered < float64(n)*2 {
		t.Errorf("only %v pongs", answered)
	}
	for _, c := range streams {
		c.Close()
	}
	readers.Wait()
}

// pongIdly answers the pings of a stream until it ends.
func pongIdly(client *http.Client, url string, c net.Conn) {
	d := wire.NewDecoder(c) // the head and the sizes of chunks are no fields it knows
	var o opening
	for {
		m, err := d.Next()
		if err != nil {
			return
		}
		switch m.Type {
		case "stream.open":
			_ = json.Unmarshal([]byte(m.Data), &o)
		case "stream.ping":
			r, err := http.NewRequest("POST", url+"/v1/connections/"+o.Connection+"/pong", bytes.NewBufferString(m.Data))
			if err != nil {
				return
			}
			r.Header.Set("Connection", "keep-alive")
			if reply, err := client.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, reply.Body)
				reply.Body.Close()
			}
		}
	}
}

func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	fields := procFields(t, pid, "statm")
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// cpuTime is what a process has had, in ticks of 10 ms (proc(5), stat).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	fields := procFields(t, pid, "stat")
	user, err := strconv.ParseInt(fields[13], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	system, err := strconv.ParseInt(fields[14], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

func procFields(t *testing.T, pid int, name string) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}
