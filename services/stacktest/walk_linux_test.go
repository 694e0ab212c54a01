package stacktest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/stacktest/readmes"
)

var (
	fenced   = regexp.MustCompile("(?s)```(?:sh)?\n(.*?)```")
	aLink    = regexp.MustCompile("http://127\\.0\\.0\\.1:[0-9]+[^\\s`'\"|)<>]*")
	bookLink = regexp.MustCompile(`\]\(([A-Za-z]+\.md)\)`)
)

const noSeries = `"resultType":"vector","result":[]`

// noPage is what Prometheus says when it was built without its page, as that of
// a stand-in is.
const noPage = "Error opening React index.html"

// emptyWhenWell are the runbooks of which a query has no answer then.
var emptyWhenWell = map[string]string{
	"RuleFailures":         "it has only groups that fail",
	"AlertsNotSent":        "it has only Alertmanagers that could not be sent something",
	"NotificationsFailing": "it has only integrations that failed",
}

// What READMEs and runbooks tell to paste works as it stands, and what they link
// to is there: whoever comes for the first time meets nothing that fails.
func testWalk(t *testing.T, s *stack) {
	told := readmes.Get(t, "README.md").Section(t, "The stack") +
		readmes.Get(t, "observability/README.md").Section(t, "Follow one event in the stack")
	t.Run("READMEs", func(t *testing.T) { walkReadmes(t, s, s.here(told)) })
	told += readmes.Get(t, "alerts/README.md").Text
	books, err := filepath.Glob(filepath.Join(root, "alerts", "runbooks", "*.md"))
	if err != nil || len(books) == 0 {
		t.Fatalf("%d runbooks, %v", len(books), err)
	}
	t.Run("links", func(t *testing.T) {
		links := aLink.FindAllString(s.here(fenced.ReplaceAllString(told, "")), -1)
		for _, book := range books {
			folder := s.url("prometheus") + "/user/"
			links = append(links, folder+filepath.Base(book))
			for _, m := range bookLink.FindAllStringSubmatch(s.book(t, book), -1) {
				links = append(links, folder+m[1])
			}
		}
		walkLinks(t, s, links)
	})
	t.Run("runbooks", func(t *testing.T) {
		for _, book := range books {
			name := strings.TrimSuffix(filepath.Base(book), ".md")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				walkBook(t, s, name, s.book(t, book))
			})
		}
	})
	// Those who go through the edge all the time log of what is sampled, which by
	// now something was.
	s.inLoki(t, `{service_name="prober"} | trace_id!=""`, `trace_id`)
	s.inLoki(t, `{service_name="demo"} | trace_id!=""`, `trace_id`)
}

// book returns a runbook, with the addresses of this stack.
func (s *stack) book(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return s.here(string(text))
}

// here puts the addresses of this stack in place of the usual ones.
func (s *stack) here(text string) string {
	var moved []string
	for usual, service := range map[string]string{"8480": "edge", "3000": "grafana", "9090": "prometheus", "9093": "alertmanager", "16686": "jaeger"} {
		moved = append(moved, "http://127.0.0.1:"+usual, s.url(service))
	}
	return strings.NewReplacer(moved...).Replace(text)
}

// paste runs commands as a shell in the checkout does, but leaves what they
// write elsewhere.
func (s *stack) paste(t *testing.T, commands string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", commands)
	shell.Dir, shell.WaitDelay = t.TempDir(), time.Second
	shell.Env = append(slices.Clone(s.environment), "COMPOSE_FILE="+s.files[1])
	out, err := shell.CombinedOutput()
	return string(out), err
}

// The first command of the READMEs has brought the stack up. The others publish
// an event that arrives, and one whose trace is in Jaeger and in Loki.
func walkReadmes(t *testing.T, s *stack, text string) {
	var blocks []string
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 3 || blocks[0] != "docker compose up --wait\n" {
		t.Fatalf("the READMEs have other commands: %q", blocks)
	}
	// A watcher has a terminal of its own, and is there before the rest goes on.
	stream := filepath.Join(t.TempDir(), "stream")
	watcher := regexp.MustCompile(`(?m)^curl -N .*$`)
	script := watcher.ReplaceAllString(strings.Join(blocks[1:], ""), "${0} >"+stream+" &\nuntil grep -q stream.open "+stream+"; do sleep 0.1; done")
	out, err := s.paste(t, "set -e\ntrap 'kill $(jobs -p)' EXIT\n"+script+"sleep 1\n")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	events, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{`data: {"order":17}`, `data: {"order":18}`} {
		if strings.Count(string(events), data+"\n") != 1 {
			t.Errorf("the watcher does not have %s once: %s", data, events)
		}
	}
	link := regexp.MustCompile(regexp.QuoteMeta(s.url("jaeger")) + "/trace/([0-9a-f]{32})\\b").FindStringSubmatch(out)
	if link == nil {
		t.Fatalf("no link to a trace in %s", out)
	}
	s.traced(t, link[1])
}

// traced wants a trace of a publish to be in Jaeger and in Loki.
func (s *stack) traced(t *testing.T, trace string) {
	t.Helper()
	for path, wanted := range map[string][]string{
		"/api/traces/" + trace:                          {`"operationName":"POST /v1/topics/:topic/events"`, `"serviceName":"edge"`, `"operationName":"sse.publish"`, `"operationName":"sse.store"`, `"operationName":"sse.fanout"`},
		"/api/traces?service=hub&operation=sse.deliver": {`"operationName":"sse.deliver"`, `"references":[{`},
	} {
		eventually(t, time.Minute, "spans in Jaeger", func() error {
			answer, err := ask(t.Context(), "GET", s.url("jaeger")+path, "")
			if err != nil {
				return err
			}
			text, err := read(answer, http.StatusOK)
			for _, want := range wanted {
				if err == nil && !strings.Contains(text, want) {
					err = fmt.Errorf("%s: no %s in %.300s", path, want, text)
				}
			}
			return err
		})
	}
	s.inLoki(t, `{service_name="hub"} | trace_id="`+trace+`"`, "/v1/topics/")
	s.inLoki(t, `{service_name="edge"} | trace_id="`+trace+`"`, "/v1/topics/")
}

// inLoki wants a query to find a line with some text. Loki is published nowhere:
// it is asked from where there is a wget.
func (s *stack) inLoki(t *testing.T, query, want string) {
	t.Helper()
	eventually(t, time.Minute, "in Loki: "+query, func() error {
		text, err := s.compose(t.Context(), "exec", "-T", "prometheus", "wget", "-q", "-O", "-",
			"http://loki:3100/loki/api/v1/query_range?"+url.Values{"query": {query}}.Encode())
		if err == nil && !strings.Contains(text, want) {
			err = errors.New("no line in " + text)
		}
		return err
	})
}

// walkLinks follows each link, but those to what was left out.
func walkLinks(t *testing.T, s *stack, links []string) {
	slices.Sort(links)
	followed := 0
	for _, link := range slices.Compact(links) {
		if slices.Contains(s.left, "grafana") && strings.HasPrefix(link, s.url("grafana")) {
			continue
		}
		answer, err := ask(t.Context(), "GET", link, "")
		if err != nil {
			t.Error(err)
			continue
		}
		if text, err := read(answer, http.StatusOK); (err != nil || text == "") && !strings.Contains(text, noPage) {
			t.Errorf("%s: %v", link, err)
		}
		followed++
	}
	t.Logf("%d links", followed)
}

// Each command of a runbook works, and each query has an answer, once the stack
// is a minute old.
func walkBook(t *testing.T, s *stack, name, text string) {
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		for command := range strings.Lines(m[1]) {
			eventually(t, firesWithin, command, func() error {
				out, err := s.paste(t, command)
				switch {
				case err != nil:
					return fmt.Errorf("%w: %s", err, out)
				case strings.Contains(command, "/api/v1/query") && !strings.Contains(out, `"status":"success"`):
					return errors.New(out)
				case strings.Contains(out, noSeries) && emptyWhenWell[name] == "":
					return errors.New("no series")
				}
				return nil
			})
		}
	}
}
