package names

import (
	"strings"
	"testing"
)

// The name server is the first that there is, Docker's, Podman's or another.
func TestServer(t *testing.T) {
	for text, want := range map[string]string{
		"nameserver 127.0.0.11\noptions ndots:0\n":                  "127.0.0.11:53",
		"# a comment\nsearch dns.podman\nnameserver 10.89.0.1\n":    "10.89.0.1:53",
		"nameserver fd00::1\nnameserver 10.0.0.1\n":                 "[fd00::1]:53",
		"nameserver fe80::1%eth0\n":                                 "[fe80::1]:53",
		"nameserver\nnameserver what\nnameserver 10.0.0.2 trailing": "10.0.0.2:53",
		"": "",
	} {
		if got := Server(strings.NewReader(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// An address stands for itself, whoever knows names.
func TestAddress(t *testing.T) {
	all, err := Lookup{Host: "10.0.0.1", Port: "80", Server: "127.0.0.1:1"}.Addresses(t.Context())
	if err != nil || len(all) != 1 || all[0] != "10.0.0.1:80" {
		t.Errorf("%v, %v", all, err)
	}
}
