package main

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask sends a request and returns the answer, with its body read.
func ask(t *testing.T, client *http.Client, method, url, body string, headers header) (*http.Response, string) {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, url, content)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestAdminRefusals(t *testing.T) {
	h := startHub(t)
	for _, row := range []struct {
		method, path string
		status       int
		problem      string
		allow        string
	}{
		{"GET", "/nothing", 404, "not-found", ""},
		{"GET", "/v1/topics/", 404, "not-found", ""},
		{"POST", "/nothing", 404, "not-found", ""},
		{"POST", "/", 405, "method-not-allowed", "GET, HEAD"},
		{"POST", "/healthz", 405, "method-not-allowed", "GET, HEAD"},
		{"POST", "/metrics", 405, "method-not-allowed", "GET, HEAD"},
		{"GET", "/v1/drain", 405, "method-not-allowed", "POST"},
		{"DELETE", "/v1/topics", 405, "method-not-allowed", "GET, HEAD"},
		{"POST", "/v1/connections/n1-0", 405, "method-not-allowed", "DELETE"},
		{"PUT", "/debug/pprof/heap", 405, "method-not-allowed", "GET, HEAD"},
		{"DELETE", "/v1/connections/n1-0", 404, "no-such-connection", ""},
		{"DELETE", "/v1/connections/n1-00000000000000000000000000000000", 404, "no-such-connection", ""},
		{"DELETE", "/v1/connections/a%2Fb", 404, "no-such-connection", ""},
		{"GET", "/v1/topics?limit=0", 400, "invalid-query", ""},
		{"GET", "/v1/topics?limit=1001", 400, "invalid-query", ""},
		{"GET", "/v1/topics?limit=x", 400, "invalid-query", ""},
		{"GET", "/v1/topics?after=%zz", 400, "invalid-query", ""},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			r, err := http.NewRequest(row.method, h.admin+row.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkProblem(t, r, row.status, row.problem)
			answer, _ := ask(t, http.DefaultClient, row.method, h.admin+row.path, "", nil)
			if got := answer.Header.Get("Allow"); got != row.allow {
				t.Errorf("Allow: %q, want %q", got, row.allow)
			}
		})
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/v1/topics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
		for _, method := range []string{"GET", "HEAD"} {
			answer, text := ask(t, http.DefaultClient, method, h.admin+path, "", nil)
			if answer.StatusCode != 200 || !traceID.MatchString(answer.Header.Get("X-Trace-Id")) || (text == "") != (method == "HEAD") {
				t.Errorf("%s %s: %s, %.40q", method, path, answer.Status, text)
			}
		}
	}
	_, index := ask(t, http.DefaultClient, "GET", h.admin+"/", "", nil)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/v1/topics", "/v1/connections/{id}", "/v1/drain", "/debug/pprof/"} {
		if !strings.Contains(index, path) {
			t.Errorf("the index lacks %s", path)
		}
	}
}

// topicPage is an answer of GET /v1/topics.
type topicPage struct {
	Topics []struct {
		Topic, Class, Oldest, Head, Trimmed string
		Events, Bytes                       int64
		HotBytes                            int64 `json:"hot_bytes"`
	}
	Total int
	Next  string
}

func (h *runningHub) topics(query string) topicPage {
	h.t.Helper()
	answer, text := ask(h.t, http.DefaultClient, "GET", h.admin+"/v1/topics"+query, "", nil)
	var page topicPage
	if err := json.Unmarshal([]byte(text), &page); err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/json" {
		h.t.Fatalf("%s: %s, %v", query, answer.Status, err)
	}
	return page
}

func (p topicPage) names() string {
	names := []string{}
	for _, t := range p.Topics {
		names = append(names, t.Topic)
	}
	return strings.Join(names, " ")
}

func TestListTopics(t *testing.T) {
	t.Parallel()
	h := startHub(t, "--topic-class", "orders=orders,orders=orders.*", "--retention-events", "1")
	if p := h.topics(""); p.Topics == nil || len(p.Topics) != 0 || p.Total != 0 || p.Next != "" {
		t.Errorf("without topics: %+v", p)
	}
	h.subscribe("topic=not.made.by.it", "")
	first, last := map[string]string{}, map[string]string{}
	for _, name := range []string{"payments", "orders.us", "orders", "orders.eu", "orders-x", "payments"} {
		id, err := publishOnce(http.DefaultClient, h.public+"/v1/topics/"+name+"/events", "data of "+name)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = cmp.Or(first[name], id.String())
		last[name] = id.String()
	}
	for _, row := range []struct {
		query, names, next string
		total              int
	}{
		{"", "orders orders-x orders.eu orders.us payments", "", 5},
		{"?prefix=", "orders orders-x orders.eu orders.us payments", "", 5},
		{"?prefix=orders", "orders orders-x orders.eu orders.us", "", 4},
		{"?prefix=orders.", "orders.eu orders.us", "", 2},
		{"?prefix=z", "", "", 0},
		{"?limit=2", "orders orders-x", "orders-x", 5},
		{"?limit=2&after=orders-x", "orders.eu orders.us", "orders.us", 5},
		{"?limit=2&after=orders.us", "payments", "", 5},
		{"?limit=5", "orders orders-x orders.eu orders.us payments", "", 5},
		{"?limit=1&prefix=orders.&after=orders", "orders.eu", "orders.eu", 2},
		{"?after=orders.f", "orders.us payments", "", 5},
		{"?after=zz", "", "", 5},
	} {
		if p := h.topics(row.query); p.names() != row.names || p.Next != row.next || p.Total != row.total {
			t.Errorf("%s: %s, %d in all, next %q", row.query, p.names(), p.Total, p.Next)
		}
	}
	await(t, "retention", func() bool { return h.topics("?prefix=payments").Topics[0].Events == 1 })
	for _, topic := range h.topics("").Topics {
		class := map[bool]string{true: "orders", false: "other"}[topic.Topic == "orders" || strings.HasPrefix(topic.Topic, "orders.")]
		if topic.Class != class || topic.Head != last[topic.Topic] || topic.Oldest != topic.Head || topic.Events != 1 ||
			topic.Bytes < int64(len("data of "+topic.Topic)) || topic.HotBytes < topic.Bytes {
			t.Errorf("%+v, want class %s, head %s", topic, class, last[topic.Topic])
		}
		if lost := topic.Trimmed == first[topic.Topic]; lost != (topic.Topic == "payments") {
			t.Errorf("%s: trimmed %q", topic.Topic, topic.Trimmed)
		}
	}
}
