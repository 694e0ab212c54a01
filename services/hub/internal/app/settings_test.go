package app

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestDefaultsAreValid(t *testing.T) {
	s, err := Parse(nil, env(), io.Discard)
	if err != nil || s != Defaults() {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestFlagsWinOverEnvironment(t *testing.T) {
	environment := env("SLUICE_ADMIN_LISTEN", "127.0.0.1:1", "SLUICE_RETENTION_AGE", "7d",
		"SLUICE_MEMORY_BUDGET", "64MiB", "SLUICE_INSECURE_OPEN_ACCESS", "true", "SLUICE_MAX_TOPICS", "5")
	s, err := Parse([]string{"--admin-listen", "127.0.0.1:2", "--retention-bytes=1_000", "--max-topics", "0"}, environment, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.AdminListen = "127.0.0.1:2"
	want.RetentionAge = 7 * 24 * time.Hour
	want.MemoryBudget = 64 << 20
	want.InsecureOpenAccess = true
	want.RetentionBytes = 1000
	want.MaxTopics = 0
	if s != want {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

// Every option can be set by flag and by environment to what it shows.
func TestEveryOptionReadsWhatItShows(t *testing.T) {
	d := Defaults()
	for _, g := range d.options() {
		for _, o := range g.options {
			if _, err := Parse([]string{"--" + o.name + "=" + o.value.String()}, env(), io.Discard); err != nil {
				t.Error(err)
			}
			if _, err := Parse(nil, env(EnvName(o.name), o.value.String()), io.Discard); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestBadSettings(t *testing.T) {
	for _, row := range []struct {
		args []string
		env  func(string) string
		want string // in the error
	}{
		{[]string{"--store", "mysql"}, env(), `--store "mysql" is unknown: choose bolt`},
		{[]string{"--data", ""}, env(), "--data is empty"},
		{[]string{"--retention-age", "1 day"}, env(), "--retention-age: write a time like"},
		{[]string{"--retention-bytes", "1GB"}, env(), "--retention-bytes: write a size in bytes, or like"},
		{[]string{"--retention-bytes", "9000000TiB"}, env(), "write a size"},
		{[]string{"--max-topics", "many"}, env(), "--max-topics: write a whole number"},
		{[]string{"--max-topics", "-1"}, env(), "--max-topics is negative: use 0 to turn it off"},
		{[]string{"--heartbeat-interval", "-1s"}, env(), "--heartbeat-interval is negative"},
		{[]string{"--write-timeout", "0"}, env(), "--write-timeout must be more than 0"},
		{[]string{"--drain-timeout", "0"}, env(), "--drain-timeout must be more than 0"},
		{[]string{"--max-write-bytes", "10"}, env(), "--max-write-bytes must be from 1KiB to 64MiB"},
		{[]string{"--max-event-bytes", "0"}, env(), "--max-event-bytes must be from 1 to 16MiB"},
		{[]string{"--memory-budget", "1MiB", "--max-event-bytes", "1MiB"}, env(), "give it at least 4MiB"},
		{[]string{"--node", "a b"}, env(), `--node "a b"`},
		{[]string{"--release", ""}, env(), `--release ""`},
		{[]string{"--listen", "8080"}, env(), `--listen "8080" is not an address: write it like`},
		{[]string{"--listen", "127.0.0.1:http9"}, env(), `"http9" is not a port`},
		{[]string{"--insecure-open-access=perhaps"}, env(), "write true or false"},
		{[]string{"--nonsense"}, env(), "--nonsense (hub --help lists the settings)"},
		{[]string{"pub"}, env(), `"pub": not a command of the hub`},
		{nil, env("SLUICE_MEMORY_BUDGET", "lots"), `SLUICE_MEMORY_BUDGET: "lots": write a size`},
		{nil, env("SLUICE_STORE", "mysql"), `--store "mysql" is unknown`},
	} {
		_, err := Parse(row.args, row.env, io.Discard)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v: got %v, want %s", row.args, err, row.want)
		}
	}
}

func TestHelpNamesEveryOption(t *testing.T) {
	var out bytes.Buffer
	if _, err := Parse([]string{"--help"}, env(), &out); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
	for _, want := range []string{"--listen", "(127.0.0.1:8080)", "--retention-age", "(24h)", "--memory-budget", "(256MiB)", "(1000000)", "SLUICE_ADMIN_LISTEN"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %s", want)
		}
	}
	for l := range strings.Lines(out.String()) {
		if len(l) > 110 {
			t.Errorf("a line of the help is too long: %s", l)
		}
	}
}

func TestMaxStreams(t *testing.T) {
	for _, row := range []struct{ setting, files, want int }{
		{100_000, 0, 100_000}, {0, 0, 0}, {100_000, 1024, 922}, {500, 1024, 500}, {0, 20_000, 19_744}, {100_000, 1_048_576, 100_000}, {10, 1, 1},
	} {
		if got := maxStreams(row.setting, row.files); got != row.want {
			t.Errorf("maxStreams(%d, %d) = %d, want %d", row.setting, row.files, got, row.want)
		}
	}
}
