package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluice-stream/sluice/services/wire"
)

// A pong counts from the subject whose stream it is.
func TestPongsOfSubjects(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	h := startHub(t, "--jwt-public-key-file", i.file, "--ping-interval", "2s", "--pong-timeout", "2s")
	bearer := func(changes jwt.MapClaims) header { return header{"Authorization": "Bearer " + i.token(changes)} }
	r, err := http.NewRequest("GET", h.public+"/v1/events?topic=orders&heartbeat=pong", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", bearer(nil)["Authorization"])
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	d := wire.NewDecoder(answer.Body)
	open, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(open.Data, `"connection":"`)
	id, _, _ = strings.Cut(id, `"`)
	ping, err := d.Next()
	if err != nil || ping.Type != "stream.ping" {
		t.Fatalf("%+v, %v", ping, err)
	}
	for _, row := range []struct {
		name    string
		headers header
		want    int
	}{
		{"nobody", nil, 401}, {"another", bearer(jwt.MapClaims{"sub": "bob"}), 403}, {"no subject", bearer(jwt.MapClaims{"sub": nil}), 403},
		{"late", bearer(jwt.MapClaims{"exp": 1}), 401}, {"its own", bearer(jwt.MapClaims{"publish": nil, "subscribe": nil}), 204},
	} {
		answer, text := ask(t, http.DefaultClient, "POST", h.public+"/v1/connections/"+id+"/pong", ping.Data, row.headers)
		if answer.StatusCode != row.want {
			t.Errorf("%s: %s %s", row.name, answer.Status, text)
		}
	}
	i.checkLogs(h)
}
