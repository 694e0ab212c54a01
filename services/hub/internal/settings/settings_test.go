package settings

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
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
	if err != nil || !reflect.DeepEqual(s, Defaults()) {
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
	if !reflect.DeepEqual(s, want) {
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
		{[]string{"--store", "mysql"}, env(), `--store "mysql" is unknown: choose disk`},
		{[]string{"--store", "bolt"}, env(), `--store bolt is no more: choose disk`},
		{[]string{"--data", ""}, env(), "--data is empty"},
		{[]string{"--retention-age", "1 day"}, env(), "--retention-age: write a time like"},
		{[]string{"--retention-bytes", "1GB"}, env(), "--retention-bytes: write a size in bytes, or like"},
		{[]string{"--retention-bytes", "9000000TiB"}, env(), "write a size"},
		{[]string{"--max-topics", "many"}, env(), "--max-topics: write a whole number"},
		{[]string{"--max-topics-per-connection", "65"}, env(), "--max-topics-per-connection is 65: 64 is the most"},
		{[]string{"--max-topics", "-1"}, env(), "--max-topics is negative: use 0 to turn it off"},
		{[]string{"--heartbeat-interval", "-1s"}, env(), "--heartbeat-interval is negative"},
		{[]string{"--write-timeout", "-1s"}, env(), "--write-timeout is negative"},
		{[]string{"--drain-timeout", "-1s"}, env(), "--drain-timeout is negative"},
		{[]string{"--max-connections-per-address", "-1"}, env(), "--max-connections-per-address is negative"},
		{[]string{"--publish-rate", "-1"}, env(), "--publish-rate is negative: use 0 to turn it off"},
		{[]string{"--breaker-failures", "-1"}, env(), "--breaker-failures is negative"},
		{[]string{"--breaker-open", "0"}, env(), "--breaker-failures 0 turns the breaker off"},
		{[]string{"--idempotency-keys", "-1"}, env(), "--idempotency-keys is negative"},
		{[]string{"--max-write-bytes", "10"}, env(), "--max-write-bytes must be from 1KiB to 64MiB"},
		{[]string{"--max-write-bytes", "65MiB"}, env(), "--max-write-bytes must be from 1KiB to 64MiB"},
		{[]string{"--max-event-bytes", "17MiB"}, env(), "--max-event-bytes must be from 1 to 16MiB"},
		{[]string{"--max-event-bytes", "-1"}, env(), "--max-event-bytes must be from 1 to 16MiB"},
		{[]string{"--memory-budget", "32MiB", "--max-event-bytes", "0"}, env(), "events of --max-event-bytes 16MiB: give it at least 64MiB"},
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

func TestBadAccessSettings(t *testing.T) {
	for _, row := range []struct {
		args []string
		env  func(string) string
		want string // in the error
	}{
		{[]string{"--listen", "0.0.0.0:8080"}, env(), "--listen 0.0.0.0:8080 can be reached from other machines"},
		{[]string{"--listen", "0.0.0.0:8080"}, env(), "--jwks-url, listen on 127.0.0.1"},
		{[]string{"--jwt-secret-file", "a", "--jwks-url", "https://issuer.example/keys"}, env(), "exclude each other"},
		{[]string{"--jwt-secret-file", "a"}, env("SLUICE_JWT_PUBLIC_KEY_FILE", "b"), "exclude each other"},
		{[]string{"--jwks-url", "issuer.example/keys"}, env(), "write it like https://issuer.example"},
		{[]string{"--jwks-url", "file:///keys"}, env(), "--jwks-url is not an address"},
		{[]string{"--access-token-query"}, env(), "--access-token-query says where tokens may be, but none is wanted"},
		{[]string{"--trusted-proxies", "10.0.0.0/8,edge"}, env(), `--trusted-proxies: "edge" is not an address or a range`},
		{nil, env("SLUICE_TRUSTED_PROXIES", "10.0.0.0/99"), "SLUICE_TRUSTED_PROXIES"},
		{[]string{"--admin-listen", ":8081", "--insecure-open-access"}, env(), "name a file with a token in --admin-token-file"},
		{[]string{"--listen", ":1", "--admin-listen", ":2"}, env(), "--admin-token-file"},
		{[]string{"--tls-cert", "c.pem"}, env(), "--tls-cert and --tls-key belong together"},
		{[]string{"--tls-key", "k.pem"}, env(), "--tls-cert and --tls-key belong together"},
		{[]string{"--cors-origin", "*"}, env(), "--cors-origin * would let every page"},
		{[]string{"--cors-origin", "https://ok.example,*"}, env(), "--cors-origin * would let every page"},
		{nil, env("SLUICE_CORS_ORIGIN", "*"), "--cors-origin * would let every page"},
		{[]string{"--cors-origin", "app.example"}, env(), `--cors-origin "app.example" is not an origin`},
		{[]string{"--cors-origin", "null"}, env(), "is not an origin"},
		{[]string{"--cors-origin", "file:///tmp"}, env(), "is not an origin"},
		{[]string{"--cors-origin", "https://*.example"}, env(), "is not an origin"},
		{[]string{"--cors-origin", "https://me@app.example"}, env(), "is not an origin"},
		{[]string{"--cors-origin", "https://grün.example"}, env(), "is not an origin"},
		{[]string{"--cors-origin", "https://app.example/"}, env(), "write it as https://app.example"},
		{[]string{"--cors-origin", "https://app.example/page?x#y"}, env(), "write it as https://app.example"},
		{[]string{"--cors-origin", "https://App.example"}, env(), "write it as https://app.example"},
		{[]string{"--cors-origin", "https://app.example:443"}, env(), "write it as https://app.example"},
		{[]string{"--cors-origin", "http://app.example:80"}, env(), "write it as http://app.example"},
		{[]string{"--allowed-host", "https://hub.example"}, env(), `--allowed-host "https://hub.example" is not a name`},
		{[]string{"--allowed-host", "hub.example:8080"}, env(), "without scheme and port"},
		{[]string{"--allowed-host", "*.example"}, env(), "is not a name"},
		{[]string{"--releases", "canary"}, env(), "--releases canary lacks the hub's own: add stable"},
		{[]string{"--releases", "stable,a b"}, env(), `--releases: "a b"`},
		{[]string{"--releases", strings.Repeat("r,", 32) + "stable"}, env(), "32 at most"},
		{[]string{"--topic-class", "orders"}, env(), "--topic-class: write name=pattern"},
		{[]string{"--topic-class", "a b=orders"}, env(), "write name=pattern"},
		{[]string{"--topic-class", "orders=ord*"}, env(), `"ord*" is not a pattern: write a topic like orders`},
		{[]string{"--topic-class", strings.Repeat("a=b,", 33)}, env(), "32 classes at most"},
		{nil, env("SLUICE_TOPIC_CLASS", "orders"), `SLUICE_TOPIC_CLASS: "orders": write name=pattern`},
	} {
		_, err := Parse(row.args, row.env, io.Discard)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v: got %v, want %s", row.args, err, row.want)
		}
	}
}

func TestRepeatedSettings(t *testing.T) {
	environment := env("SLUICE_ALLOWED_HOST", "hub, hub.example", "SLUICE_CORS_ORIGIN", "https://a.example,http://localhost:3000")
	s, err := Parse([]string{"--allowed-host", "one", "--allowed-host", "two,three", "--releases", "stable,canary",
		"--trusted-proxies", "10.0.0.0/8", "--trusted-proxies", "192.0.2.7,2001:db8::/32",
		"--topic-class", "orders=orders.*", "--topic-class", "money=payments,money=refunds", "--listen", "127.0.0.1:0"}, environment, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Listen = "127.0.0.1:0"
	want.AllowedHosts = []string{"one", "two", "three"} // and none of the environment's
	want.CORSOrigins = []string{"https://a.example", "http://localhost:3000"}
	want.Releases = []string{"stable", "canary"}
	want.TrustedProxies = admission.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32")}
	want.TopicClasses = TopicClasses{{"orders", "orders.*"}, {"money", "payments"}, {"money", "refunds"}}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	for topic, class := range map[string]string{"orders.eu": "orders", "orders": "other", "refunds": "money", "hub.stats": "other"} {
		if got := s.TopicClasses.Class(topic); got != class {
			t.Errorf("%s is of class %s, want %s", topic, got, class)
		}
	}
	first := TopicClasses{{"eu", "orders.eu"}, {"rest", "*"}}
	if got := first.Class("orders.eu") + " " + first.Class("orders.us"); got != "eu rest" {
		t.Errorf("the first match does not win: %s", got)
	}
}

// 0 turns a limit off, or is the most that there can be.
func TestZeroIsOff(t *testing.T) {
	s, err := Parse([]string{"--write-timeout", "0", "--drain-timeout", "0", "--max-write-bytes", "0", "--max-event-bytes", "0",
		"--idempotency-keys", "0", "--heartbeat-interval", "0"}, env(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Resolved()
	if r.MaxEventBytes != 16<<20 || r.MaxWriteBytes != 64<<20 || r.WriteTimeout < 30*24*time.Hour || r.DrainTimeout != 0 || r.IdempotencyKeys != 0 {
		t.Errorf("%+v", r)
	}
	if ms := r.WriteTimeout.Milliseconds(); int32(ms) != 0 {
		t.Errorf("the kernel would take %d as %d, and close a socket early or refuse it", ms, int32(ms))
	}
	d := Defaults()
	d.Releases = []string{d.Release}
	if !reflect.DeepEqual(d, d.Resolved()) {
		t.Error("what is set does not stay")
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

func TestMaxSockets(t *testing.T) {
	for _, row := range []struct{ files, least, most int }{{0, 0, 0}, {1024, 900, 1000}, {1_000_000, 990_000, 1_000_000}, {1, 1, 1}} {
		if got := MaxSockets(row.files); got < row.least || got > row.most {
			t.Errorf("MaxSockets(%d) = %d", row.files, got)
		}
	}
	if SocketsEach(0) != 0 || SocketsEach(1000) != 2016 {
		t.Errorf("an address has %d and %d sockets", SocketsEach(0), SocketsEach(1000))
	}
}

func TestMaxStreams(t *testing.T) {
	for _, row := range []struct{ setting, files, want int }{
		{100_000, 0, 100_000}, {0, 0, 0}, {100_000, 1024, 922}, {500, 1024, 500}, {0, 20_000, 19_744}, {100_000, 1_048_576, 100_000}, {10, 1, 1},
	} {
		if got := MaxStreams(row.setting, row.files); got != row.want {
			t.Errorf("MaxStreams(%d, %d) = %d, want %d", row.setting, row.files, got, row.want)
		}
	}
}

// Streams of this machine are counted where somebody asks for a limit.
func TestLoopbackIsLimitedOnRequest(t *testing.T) {
	for _, row := range []struct {
		args []string
		env  func(string) string
		want bool
	}{
		{nil, env(), false},
		{[]string{"--max-connections", "5"}, env(), false},
		{[]string{"--max-connections-per-address", "1000"}, env(), true},
		{nil, env("SLUICE_MAX_CONNECTIONS_PER_ADDRESS", "7"), true},
	} {
		s, err := Parse(row.args, row.env, io.Discard)
		if err != nil || s.LimitLoopback != row.want {
			t.Errorf("%v: %v, %v", row.args, s.LimitLoopback, err)
		}
	}
}
