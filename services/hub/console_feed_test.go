package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// feed publishes n numbered events, each once whatever happens to the hub, and
// returns their data.
func (o *consoleTour) feed(topic, typ string, n int) []string {
	o.t.Helper()
	var lines strings.Builder
	var data []string
	for i := range n {
		data = append(data, fmt.Sprintf(`{"%s":%d}`, typ, i))
		fmt.Fprintf(&lines, "{\"type\":%q,\"data\":%s}\n", typ, data[i])
	}
	o.batches++
	key := header{"Content-Type": "application/x-ndjson", "Idempotency-Key": fmt.Sprint(typ, o.batches)}
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		answer, text, err := o.send(o.hub.url("/v1/topics/"+topic+"/events"), lines.String(), key)
		if err == nil && answer == http.StatusOK && strings.Count(text, `"status":20`) == n {
			return data
		}
		if time.Now().After(late) {
			o.t.Fatalf("publish answered %d %.300s, %v", answer, text, err)
		}
	}
}

// one publishes an event with any type and data.
func (o *consoleTour) one(topic, typ, data string) {
	o.t.Helper()
	address := o.hub.url("/v1/topics/" + topic + "/events?type=" + url.QueryEscape(typ))
	if status, text, err := o.send(address, data, nil); err != nil || status != http.StatusCreated {
		o.t.Fatalf("publish answered %d %s, %v", status, text, err)
	}
}

func (o *consoleTour) send(url, body string, headers header) (int, string, error) {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// admin sends a request to the operators' listener.
func (o *consoleTour) admin(method, path string, want int) {
	o.t.Helper()
	if answer, text := ask(o.t, http.DefaultClient, method, "http://"+o.hub.admin+path, "", nil); answer.StatusCode != want {
		o.t.Fatalf("%s %s: %s %s", method, path, answer.Status, text)
	}
}
