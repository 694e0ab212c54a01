package boltlog

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestOpenRefuses tries what can't be opened: the error says what to do, and
// the file stays as it is.
func TestOpenRefuses(t *testing.T) {
	file, _ := sample(t, false)
	pageSize := os.Getpagesize()
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"cut off in the data", file[:len(file)-pageSize], "it is cut off"},
		{"cut off after the first pages", file[:4*pageSize], "it is cut off"},
		{"cut off in the meta pages", file[:pageSize+100], "restore it from a backup"},
		{"a few bytes", file[:20], "restore it from a backup"},
		{"another kind of file", bytes.Repeat([]byte("event: x\n"), 4000), "restore it from a backup"},
		{"zeros", make([]byte, 1<<20), "restore it from a backup"},
		{"a root that says it is empty", emptyRoot(file), "not a file of this store"},
		{"both meta pages damaged", flip(file, pageHead+20, pageSize+pageHead+20), "restore it from a backup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, dir, c.want)
			wantRefused(t, dir, path) // the lock is not left behind
			if now, _ := os.ReadFile(path); !bytes.Equal(now, c.file) {
				t.Error("the file was changed")
			}
		})
	}
}

// emptyRoot makes a file look as if nothing had been written to it yet.
func emptyRoot(file []byte) []byte {
	file = bytes.Clone(file)
	for i := range 2 {
		m, _ := readFileMeta(file[i*os.Getpagesize()+pageHead:])
		native.PutUint16(file[int(m.root)*os.Getpagesize()+10:], 0)
	}
	return file
}

func flip(file []byte, at ...int) []byte {
	file = bytes.Clone(file)
	for _, i := range at {
		file[i] ^= 4
	}
	return file
}

func wantRefused(t *testing.T, dir, want string) {
	t.Helper()
	s, err := Open(dir, Options{})
	if err == nil {
		s.Close()
		t.Fatal("it opened")
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want something with %q", err, want)
	}
}

func TestOpenAnotherProgramsFile(t *testing.T) {
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	db.Close()
	wantRefused(t, dir, "not a file of this store")
}

func TestOpenAnotherVersion(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	s.Close()
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Update(func(tx *bbolt.Tx) error {
		b := sealMeta(meta{})
		b[0] = formatVersion + 1
		copy(b[1:], bigEndian32(scopeOf("").checksum(b, metaKey)))
		return tx.Bucket([]byte(metaName)).Put(metaKey, b)
	})
	db.Close()
	wantRefused(t, dir, "written by another release")
}

func bigEndian32(n uint32) []byte {
	return []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s, log := open(t, dir, Options{})
	defer s.Close()
	wantRefused(t, dir, "another hub uses "+dir+": stop it, or give this one another folder with --data")
	if _, err := log.Append(context.Background(), "topic", eventlog.Entry{Body: []byte("\n")}); err != nil {
		t.Errorf("the first is disturbed: %v", err)
	}
}

func TestOpenUnwritable(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Log("root may write anywhere: a file in the place of the folder instead")
		path := filepath.Join(t.TempDir(), "data")
		os.WriteFile(path, nil, 0o600)
		wantRefused(t, path, "--data")
		return
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o500)
	wantRefused(t, dir, "--data")
}

// TestOpenEmptyFile meets what a crash at the very first start leaves behind.
func TestOpenEmptyFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	os.MkdirAll(dir, 0o700)
	os.WriteFile(filepath.Join(dir, fileName), nil, 0o600)
	h := history{}
	h.write(t, dir, Options{}, "topic", 1, 2, 3)
	_, log := open(t, dir, Options{})
	defer log.Close()
	h.check(t, log)
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{}) // never started
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for path, want := range map[string]os.FileMode{dir: 0o700, s.path: 0o600} {
		if info, _ := os.Stat(path); info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}

// TestTornMeta loses the last of the two meta pages: it may have been an
// acknowledged commit or not, so every topic shows a gap at its end.
func TestTornMeta(t *testing.T) {
	file, h := sample(t, false)
	for i := range 2 {
		dir := t.TempDir()
		torn := bytes.Clone(file)
		clear(torn[i*os.Getpagesize()+pageHead+30 : (i+1)*os.Getpagesize()])
		os.WriteFile(filepath.Join(dir, fileName), torn, 0o600)
		var damage int
		_, log := open(t, dir, Options{OnDamage: func(string, error) { damage++ }})
		h := h.clone()
		h.check(t, log)
		for topic := range h {
			state, _ := log.Follow(topic).State()
			if at, outcome := state.Resume(h[topic][len(h[topic])-1].ID); outcome != eventlog.OutcomeReplay && outcome != eventlog.OutcomeGap {
				t.Errorf("%s: resuming at the last event is %v at %v", topic, outcome, at)
			}
			if err := h.append(t, log, topic, 50); err != nil {
				t.Error(err)
			}
		}
		h.check(t, log)
		log.Close()
		if damage == 0 {
			t.Error("nobody was told")
		}
		_, log = open(t, dir, Options{OnDamage: func(topic string, err error) {}})
		h.check(t, log)
		log.Close()
	}
}

// TestTornWrite cuts off a commit that never got to its meta page: the store
// is as it was before.
func TestTornWrite(t *testing.T) {
	dir, h := t.TempDir(), history{}
	h.write(t, dir, Options{}, "topic", 100, 3000, 5, 900)
	before, _ := os.ReadFile(filepath.Join(dir, fileName))
	later := h.clone()
	later.write(t, dir, Options{}, "topic", 70_000)
	after, _ := os.ReadFile(filepath.Join(dir, fileName))
	metas := 2 * os.Getpagesize()
	for _, n := range []int{metas, metas + 100, 5 * os.Getpagesize(), len(after)} {
		torn := bytes.Clone(after)
		copy(torn, before[:metas])
		clear(torn[n:])
		copy(torn[n:], before[min(n, len(before)):])
		os.WriteFile(filepath.Join(dir, fileName), torn, 0o600)
		_, log := open(t, dir, Options{OnDamage: func(topic string, err error) { t.Error(topic, err) }})
		if missing := h.clone().check(t, log); missing > 0 {
			t.Errorf("%d events are missing", missing)
		}
		log.Close()
	}
}

// TestCrashWithoutFreelist opens files whose free pages have to be looked for,
// whole and with damage that bbolt must not meet on the way.
func TestCrashWithoutFreelist(t *testing.T) {
	file, h := sample(t, true)
	m, err := readFileMeta(file[pageHead:])
	if other, _ := readFileMeta(file[os.Getpagesize()+pageHead:]); err != nil || m.tx < other.tx {
		m = other
	}
	if m.freelist != noFreelist {
		t.Fatal("it has a list of free pages")
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, fileName), file, 0o600)
	_, log := open(t, dir, Options{OnDamage: func(topic string, err error) { t.Error(topic, err) }})
	if missing := h.check(t, log); missing > 0 {
		t.Errorf("%d events are missing", missing)
	}
	log.Close()
	_, log = open(t, dir, Options{})
	h.check(t, log)
	log.Close()
}

// TestSetAside damages the page that a topic ends with: what can be read of
// the topic still is, it goes on, and retention takes the old part as one.
func TestSetAside(t *testing.T) {
	file, h := sample(t, false)
	dir := t.TempDir()
	end := lastLeaf(t, file, "deep")
	os.WriteFile(filepath.Join(dir, fileName), flip(file, end*os.Getpagesize()+8), 0o600)
	for range 3 {
		_, log := open(t, dir, Options{})
		for range 5 {
			if err := h.append(t, log, "deep", 100); err != nil {
				t.Fatal(err)
			}
		}
		missing := h.check(t, log)
		if missing == 0 || missing > 20 {
			t.Errorf("%d events are missing, which one page can't hold", missing)
		}
		log.Close()
	}
	o := Options{Retention: eventlog.Retention{Events: 20}}
	s, log := open(t, dir, o)
	for range 10 {
		h.append(t, log, "deep", 100)
	}
	if n := len(s.topic("deep").aside); n != 1 {
		t.Fatalf("%d parts are set aside", n)
	}
	topic := log.Follow("deep")
	defer log.Leave(topic)
	for state, _ := topic.State(); state.Events != 20; state, _ = topic.State() {
		time.Sleep(10 * time.Millisecond)
	}
	if missing := h.check(t, log); missing > 0 {
		t.Errorf("%d events are damaged where retention took them", missing)
	}
	log.Close()
	s, log = open(t, dir, o)
	defer log.Close()
	if missing := h.check(t, log); missing > 0 || len(s.topic("deep").aside) > 0 {
		t.Errorf("after opening again %d events are damaged, aside are %v", missing, s.topic("deep").aside)
	}
}

// lastLeaf returns the page in which a topic ends.
func lastLeaf(t *testing.T, file []byte, topic string) int {
	t.Helper()
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, fileName), file, 0o600)
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := uint64(0)
	err = s.view(func(v snapshot) error {
		g, err := v.guard()
		if err != nil {
			return err
		}
		topics, err := g.buckets(g.topics)
		if err != nil {
			return err
		}
		leaf, err := g.path(topics[topic], maxKey, false)
		id = leaf.id()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return int(id)
}
