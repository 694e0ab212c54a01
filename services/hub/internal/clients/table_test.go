package clients

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

func id(n uint64) eventlog.ID { return eventlog.ID{MS: n} }

func ptr(i eventlog.ID) *eventlog.ID { return &i }

func open(t *testing.T, path string) *Table {
	t.Helper()
	table, err := Open(Options{Path: path, Failed: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close(t.Context()) })
	return table
}

func shut(t *testing.T, table *Table) {
	t.Helper()
	if err := table.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, table *Table, client string, want map[string]eventlog.ID) {
	t.Helper()
	if got := table.Acknowledged(client); !maps.Equal(got, want) {
		t.Errorf("%s is at %v, want %v", client, got, want)
	}
}

// A cursor begins with the first stream, moves forward to what the client
// presents, and not beyond what it was sent or what the log has.
func TestCursors(t *testing.T) {
	for _, row := range []struct {
		name      string
		sent      eventlog.ID // by the first stream, which began after 10
		presented *eventlog.ID
		at, head  eventlog.ID // of the second stream
		want      eventlog.ID
	}{
		{"nothing presented", id(20), nil, id(10), id(30), id(10)},
		{"acknowledges", id(20), ptr(id(15)), id(15), id(30), id(15)},
		{"acknowledges all it was sent", id(20), ptr(id(20)), id(20), id(30), id(20)},
		{"more than it was sent", id(20), ptr(id(25)), id(25), id(30), id(20)},
		{"back", id(20), ptr(id(5)), id(5), id(30), id(10)},
		{"from the beginning", id(20), ptr(id(0)), id(1), id(30), id(10)},
		{"the log was lost", id(20), ptr(id(20)), id(3), id(3), id(3)},
	} {
		t.Run(row.name, func(t *testing.T) {
			table := open(t, "")
			table.Started("me", []sse.ClientStart{{Topic: "a", At: id(10), Head: id(30)}})
			expect(t, table, "me", map[string]eventlog.ID{"a": id(10)})
			table.Ended("me", map[string]eventlog.ID{"a": row.sent, "never started": id(1)})
			table.Started("me", []sse.ClientStart{{Topic: "a", Presented: row.presented, At: row.at, Head: row.head}})
			expect(t, table, "me", map[string]eventlog.ID{"a": row.want})
			expect(t, table, "other", nil)
		})
	}
}

// A pong moves a cursor forward, not back, and not beyond what the client was
// sent by this stream or another.
func TestAcknowledge(t *testing.T) {
	for _, row := range []struct {
		name     string
		before   eventlog.ID // acknowledged by an earlier pong
		at, sent eventlog.ID
		want     eventlog.ID
	}{
		{"forward", id(10), id(15), id(20), id(15)},
		{"all it was sent", id(10), id(20), id(20), id(20)},
		{"beyond what it was sent", id(10), id(25), id(20), id(20)},
		{"back", id(15), id(12), id(20), id(15)},
		{"again", id(15), id(15), id(20), id(15)},
		{"before the start", id(10), id(5), id(20), id(10)},
		{"sent by another stream", id(10), id(18), id(11), id(18)},
	} {
		t.Run(row.name, func(t *testing.T) {
			table := open(t, "")
			start := []sse.ClientStart{{Topic: "a", At: id(10), Head: id(30)}}
			table.Started("me", start)
			if row.name == "sent by another stream" {
				table.Started("me", start)
				table.Ended("me", map[string]eventlog.ID{"a": id(19)})
			}
			table.Acknowledge("me", map[string]eventlog.ID{"a": row.before}, map[string]eventlog.ID{"a": row.before})
			table.Acknowledge("me", map[string]eventlog.ID{"a": row.at, "never started": id(20)}, map[string]eventlog.ID{"a": row.sent})
			table.Acknowledge("other", map[string]eventlog.ID{"a": row.at}, map[string]eventlog.ID{"a": row.sent})
			expect(t, table, "me", map[string]eventlog.ID{"a": row.want})
			expect(t, table, "other", nil)
		})
	}
}

// What a pong acknowledged is saved within seconds, and a pong that says
// nothing new costs the disk nothing.
func TestAcknowledgedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "clients")
		table := open(t, path)
		table.Started("me", []sse.ClientStart{{Topic: "a", At: id(10), Head: id(30)}})
		time.Sleep(2 * saveEvery)
		at := map[string]eventlog.ID{"a": id(15)}
		table.Acknowledge("me", at, at)
		time.Sleep(saveEvery + time.Second)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		table.Acknowledge("me", at, at)
		time.Sleep(saveEvery + time.Second)
		after, err := os.ReadFile(path)
		if err != nil || len(after) != len(before) {
			t.Errorf("the journal went from %d to %d bytes, %v", len(before), len(after), err)
		}
		copied := filepath.Join(t.TempDir(), "clients")
		if err := os.WriteFile(copied, after, 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, open(t, copied), "me", at)
	})
}

func TestTopicsOfAClientAreBounded(t *testing.T) {
	table := open(t, "")
	for i := range 2 * MaxTopics {
		table.Started("me", []sse.ClientStart{{Topic: fmt.Sprint(i), At: id(1), Head: id(1)}})
	}
	if n := len(table.Acknowledged("me")); n != MaxTopics {
		t.Errorf("%d topics", n)
	}
}

// A client without a stream is forgotten after an hour, one with a stream
// never, and of too many those that are away longest.
func TestForgetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := open(t, "")
		at := []sse.ClientStart{{Topic: "a", At: id(1), Head: id(1)}}
		known := map[string]eventlog.ID{"a": id(1)}
		table.Started("stays", at)
		table.Started("twice", at)
		table.Started("twice", at)
		table.Started("leaves", at)
		table.Ended("leaves", nil)
		table.Ended("twice", nil)
		time.Sleep(MaxAway)
		expect(t, table, "leaves", known)
		time.Sleep(time.Second)
		expect(t, table, "leaves", nil)
		expect(t, table, "stays", known)
		expect(t, table, "twice", known)

		for i := range MaxClients {
			name := fmt.Sprint(i)
			table.Started(name, at)
			if i < 10 {
				table.Ended(name, nil)
			}
		}
		expect(t, table, "0", nil)
		expect(t, table, "1", nil)
		expect(t, table, "2", known)
		for i := range 10 {
			table.Started(fmt.Sprint("more", i), at)
		}
		expect(t, table, "more7", known)
		expect(t, table, "more8", nil) // everybody else has a stream
		if n := len(table.clients); n != MaxClients {
			t.Errorf("%d clients", n)
		}
	})
}

// What is known survives: a new client at once, cursors after some seconds.
func TestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "clients")
		killed := func() *Table { // what another process would find now
			t.Helper()
			copied := filepath.Join(t.TempDir(), "clients")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(copied, text, 0o600); err != nil {
				t.Fatal(err)
			}
			return open(t, copied)
		}
		table := open(t, path)
		start := time.Now()
		table.Started("me", []sse.ClientStart{{Topic: "a", At: id(10), Head: id(30)}})
		if time.Since(start) >= saveWait {
			t.Error("the new client was not saved at once")
		}
		expect(t, killed(), "me", map[string]eventlog.ID{"a": id(10)})

		table.Ended("me", map[string]eventlog.ID{"a": id(20)})
		table.Started("me", []sse.ClientStart{{Topic: "a", Presented: ptr(id(15)), At: id(15), Head: id(30)}})
		time.Sleep(saveEvery + time.Second)
		again := killed()
		expect(t, again, "me", map[string]eventlog.ID{"a": id(15)})
		again.Started("me", []sse.ClientStart{{Topic: "a", Presented: ptr(id(20)), At: id(20), Head: id(30)}})
		expect(t, again, "me", map[string]eventlog.ID{"a": id(20)}) // what was sent is known too

		time.Sleep(3 * MaxAway) // with the stream open all along
		expect(t, killed(), "me", map[string]eventlog.ID{"a": id(15)})

		table.Ended("me", nil)
		shut(t, table)
		time.Sleep(MaxAway + time.Second)
		expect(t, open(t, path), "me", nil)
	})
}

// Damage takes the lines that it is in, and nothing else.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clients")
	table := open(t, path)
	for _, name := range []string{"one", "two", "three"} {
		table.Started(name, []sse.ClientStart{{Topic: "a", At: id(1), Head: id(1)}})
	}
	shut(t, table)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := []byte(string(whole))
		damaged[i] ^= 0x20
		if err := os.WriteFile(path, damaged[:len(damaged)-i%7], 0o600); err != nil {
			t.Fatal(err)
		}
		j, lines, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) < 1 {
			t.Errorf("byte %d: nothing is left", i)
		}
		for _, l := range lines {
			if !strings.Contains("one two three", l.Client) || !maps.Equal(l.Acknowledged, map[string]eventlog.ID{"a": id(1)}) {
				t.Errorf("byte %d: %+v", i, l)
			}
		}
		if err := j.append([]line{{Client: "new", Acknowledged: map[string]eventlog.ID{}, Sent: map[string]eventlog.ID{}}}); err != nil {
			t.Fatal(err)
		}
		j.close()
		if j, after, err := openJournal(path); err != nil || len(after) != len(lines)+1 {
			t.Errorf("byte %d: %d lines and a new one are %d, %v", i, len(lines), len(after), err)
		} else {
			j.close()
		}
	}
}

// A journal does not grow for ever.
func TestRewrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "clients")
		table := open(t, path)
		for i := range uint64(1500) {
			table.Started("me", []sse.ClientStart{{Topic: "a", Presented: ptr(id(i)), At: id(i), Head: id(i)}})
			table.Ended("me", map[string]eventlog.ID{"a": id(i)})
			time.Sleep(saveEvery)
		}
		shut(t, table)
		info, err := os.Stat(path)
		if err != nil || info.Size() > 100<<10 {
			t.Errorf("the journal has %d bytes, %v", info.Size(), err)
		}
		expect(t, open(t, path), "me", map[string]eventlog.ID{"a": id(1498)}) // presented last, and sent before
	})
}

// A disk that fails is told of and tried again, and holds up nobody.
func TestFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clients")
	var mu sync.Mutex
	var failures []error
	table, err := Open(Options{Path: path, Failed: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failures = append(failures, err)
	}})
	if err != nil {
		t.Fatal(err)
	}
	table.journal.file.Close()
	table.Started("me", []sse.ClientStart{{Topic: "a", At: id(10), Head: id(30)}})
	mu.Lock()
	if len(failures) == 0 || !errors.Is(failures[0], os.ErrClosed) {
		t.Errorf("told of %v", failures)
	}
	mu.Unlock()
	table.mu.Lock()
	pending := len(table.changed)
	table.mu.Unlock()
	if pending != 1 {
		t.Errorf("%d clients are to be saved again", pending)
	}
	table.Close(t.Context())

	if _, err := Open(Options{Path: t.TempDir()}); err == nil {
		t.Error("a folder was opened")
	}
}

// A journal that could not be opened again after it was rewritten is opened as
// soon as it can be: what failed for a moment must not fail for good.
func TestRewriteWithoutFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "clients")
	j, _, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := []line{{Client: "me", Acknowledged: map[string]eventlog.ID{"a": id(1)}, Sent: map[string]eventlog.ID{}}}
	j.file.Close()
	j.file, j.path = nil, filepath.Join(folder, "none", "clients")
	if err := j.append(lines); err == nil {
		t.Error("a line was kept nowhere")
	}
	j.path = path
	if err := j.append(lines); err != nil {
		t.Errorf("it does not recover: %v", err)
	}
	// A folder in the way of the new file: nothing of the old one is lost.
	if err := os.Mkdir(path+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := j.rewrite(lines); err == nil {
		t.Error("a folder was written over")
	}
	if err := j.append(lines); err != nil {
		t.Error(err)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
	j, kept, err := openJournal(path)
	if err != nil || len(kept) != 1 || j.lines != 2 {
		t.Fatalf("kept %+v, %v", kept, err)
	}
	j.close()
}
