package nginx

import (
	"strings"
	"testing"
)

// Nothing that a client sent is in what is told, and what is wrong can be told
// apart.
func TestParseError(t *testing.T) {
	for line, want := range map[string]struct {
		level, text, client string
		fault               Fault
	}{
		`2026/12/01 02:51:35 [alert] 7#7: *45 32768 worker_connections are not enough while connecting to upstream, client: 10.0.0.7, server: , request: "GET /v1/events?access_token=s3cr3t HTTP/1.1", upstream: "http://10.0.0.1:8080/v1/events?access_token=s3cr3t", host: "a"`: {
			"alert", "32768 worker_connections are not enough while connecting to upstream", "10.0.0.7", FaultConnections},
		`2026/12/01 02:51:35 [warn] 7#7: *3 32768 worker_connections are not enough, reusing connections`: {
			"warn", "32768 worker_connections are not enough, reusing connections", "", FaultConnections},
		`2026/12/01 02:51:35 [crit] 7#7: *45 connect() to 10.0.0.1:8080 failed (99: Cannot assign requested address) while connecting to upstream, client: 10.0.0.7, server: , request: "POST / HTTP/1.1"`: {
			"crit", "connect() to 10.0.0.1:8080 failed (99: Cannot assign requested address) while connecting to upstream", "10.0.0.7", FaultPorts},
		`2026/12/01 02:51:35 [crit] 7#7: accept4() failed (24: Too many open files)`: {
			"crit", "accept4() failed (24: Too many open files)", "", FaultFiles},
		`2026/12/01 02:51:35 [error] 7#7: *4 open() "/etc/s3cr3t" failed (2: No such file or directory), client: 10.0.0.7, server: , request: "GET / HTTP/1.1"`: {
			"error", `open() "…" failed (2: No such file or directory)`, "10.0.0.7", FaultOther},
		`2026/12/01 02:51:35 [error] 7#7: *4 connect() failed (111: Connection refused) while connecting to upstream, client: ::1, server: , request: "x`: {
			"error", "connect() failed (111: Connection refused) while connecting to upstream", "::1", ""},
		`2026/12/01 02:51:35 [info] 7#7: *4 SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol) while SSL handshaking, client: 10.0.0.7, server: 0.0.0.0:443`: {
			"info", "SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol) while SSL handshaking", "10.0.0.7", FaultOther},
		`nginx: [emerg] bind() to 0.0.0.0:80 failed`: {"error", "nginx: [emerg] bind() to 0.0.0.0:80 failed", "", FaultOther},
		"\xff\xfe": {"error", "", "", FaultOther},
	} {
		m := ParseError([]byte(line))
		if m.Level != want.level || m.Text != want.text || m.Client != want.client || m.Fault() != want.fault {
			t.Errorf("%s\nis %+v, %q", line, m, m.Fault())
		}
	}
}

// Whatever nginx complains of, what the client asked for is not in it.
func FuzzParseError(f *testing.F) {
	f.Add(`open() "/etc/what" failed`)
	f.Fuzz(func(t *testing.T, complaint string) {
		const token = "s3cr3t"
		if strings.Contains(complaint, token) || strings.Contains(complaint, "\n") {
			return // that would be nginx's own, or another line
		}
		line := "2026/12/01 02:51:35 [error] 7#7: *4 " + complaint + `, client: ::1, server: , request: "GET /?access_token=` + token + ` HTTP/1.1", host: "a"`
		m := ParseError([]byte(line))
		if strings.Contains(m.Text, token) || m.Level != "error" {
			t.Errorf("%q is %+v", line, m)
		}
		m.Fault()
	})
}

func TestParseStatus(t *testing.T) {
	s, err := parseStatus("Active connections: 291 \nserver accepts handled requests\n 16630948 16630940 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n")
	if err != nil || s != (Status{Accepted: 16630948, Handled: 16630940, Reading: 6, Writing: 179, Waiting: 106}) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := parseStatus("<html>"); err == nil {
		t.Error("a page is no status")
	}
}
