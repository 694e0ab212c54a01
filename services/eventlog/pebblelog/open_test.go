package pebblelog

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

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

// TestOpenOldFile: what an earlier release kept stays as it is.
func TestOpenOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, oldFile)
	if err := os.WriteFile(path, []byte("a file of bolt"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, dir, "run that release")
	wantRefused(t, dir, path)
	entries, _ := os.ReadDir(dir)
	if b, _ := os.ReadFile(path); string(b) != "a file of bolt" || len(entries) != 1 {
		t.Errorf("the folder has %v, the file %q", entries, b)
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	_, log := open(t, dir, Options{})
	defer log.Close()
	wantRefused(t, dir, "another hub uses "+dir+": stop it, or give this one another folder with --data")
	if _, err := log.Append(context.Background(), "topic", eventlog.Entry{}); err != nil {
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

// TestOpenWithoutMarker loses the file that names the manifest: the database
// would begin anew, and delete what is there.
func TestOpenWithoutMarker(t *testing.T) {
	dir, h := t.TempDir(), history{}
	h.write(t, dir, Options{}, "topic", 1, 2, 3)
	f := readFiles(t, filepath.Join(dir, folder))
	for name := range f {
		if strings.HasPrefix(name, "marker.manifest") {
			delete(f, name)
		}
	}
	f.write(t, filepath.Join(dir, folder))
	for range 2 {
		wantRefused(t, dir, "restore it from a backup")
	}
	if now := readFiles(t, filepath.Join(dir, folder)); len(now) < len(f) {
		t.Errorf("of %d files %d are left", len(f), len(now))
	}
}

// TestOpenAfterTheFirstCrash meets what a crash at the very first start leaves
// behind.
func TestOpenAfterTheFirstCrash(t *testing.T) {
	whole := t.TempDir()
	_, log := open(t, whole, Options{})
	log.Close()
	for _, keep := range []string{"LOCK", "MANIFEST", "OPTIONS"} {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		f := files{"000002.log": nil}
		for name, b := range readFiles(t, filepath.Join(whole, folder)) {
			if strings.HasPrefix(name, keep) {
				f[name] = b
			}
		}
		f.write(t, filepath.Join(dir, folder))
		h := history{}
		h.write(t, dir, Options{OnDamage: sound(t)}, "topic", 1, 2, 3)
		_, log := open(t, dir, Options{OnDamage: sound(t)})
		h.check(t, log)
		log.Close()
	}
}

// TestOpenNewer meets what a later release has written, and what it may write
// without being refused.
func TestOpenNewer(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(db *pebble.DB)
		want  string // empty: it is read
	}{
		{"what the store knows of itself, in a later version", func(db *pebble.DB) { setLater(db, metaKey, "/meta") }, "written by another release"},
		{"a topic in a later version", func(db *pebble.DB) { setLater(db, topicKey("topic"), "topic") }, "written by another release"},
		{"a later format of files", func(db *pebble.DB) { _ = db.RatchetFormatMajorVersion(pebble.FormatNewest) }, ""},
		{"more in a value", func(db *pebble.DB) {
			value, closer, _ := db.Get(metaKey)
			b := append(append([]byte(nil), value...), "more"...)
			closer.Close()
			metaScope.Seal(b, metaKey)
			_ = db.Set(metaKey, b, pebble.Sync)
		}, ""},
		{"another kind of key", func(db *pebble.DB) { _ = db.Set([]byte("x"), []byte("?"), pebble.Sync) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, h := t.TempDir(), history{}
			h.write(t, dir, Options{}, "topic", 1, 2, 3)
			db, err := pebble.Open(filepath.Join(dir, folder), &pebble.Options{Logger: quiet{}, FormatMajorVersion: format})
			if err != nil {
				t.Fatal(err)
			}
			c.write(db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if c.want != "" {
				wantRefused(t, dir, c.want)
				return
			}
			_, log := open(t, dir, Options{OnDamage: sound(t)})
			defer log.Close()
			if missing := h.check(t, log); missing > 0 {
				t.Errorf("%d events are missing", missing)
			}
		})
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// setLater writes a value as a release would that has another version.
func setLater(db *pebble.DB, key []byte, scope string) {
	b := append(stored.New(100), make([]byte, 100)...)
	stored.ScopeOf(scope).SealAs(2, b, key)
	_ = db.Set(key, b, pebble.Sync)
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
	for _, path := range []string{dir, s.dir} {
		if info, _ := os.Stat(path); info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}

// TestStatesAreKept: nothing of a topic's state depends on what ran before.
func TestStatesAreKept(t *testing.T) {
	dir, h := t.TempDir(), history{}
	_, log := open(t, dir, Options{})
	for i := range 300 {
		if err := h.append(log, []string{"a", "b", "c"}[i%3], i); err != nil {
			t.Fatal(err)
		}
	}
	states := func(log *eventlog.Log) map[string]eventlog.State {
		all := map[string]eventlog.State{}
		for _, info := range log.Topics() {
			all[info.Name] = info.State
		}
		return all
	}
	before := states(log)
	for range 3 {
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		if _, log = open(t, dir, Options{OnDamage: sound(t)}); !reflect.DeepEqual(states(log), before) {
			t.Errorf("states %v, before %v", states(log), before)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
