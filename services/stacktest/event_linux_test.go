package stacktest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// ask makes a request; the header is name, value and so on.
func ask(ctx context.Context, method, address, body string, header ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return http.DefaultClient.Do(r)
}

// read returns the body of an answer, which has to have that status.
func read(answer *http.Response, status int) (string, error) {
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != status {
		err = fmt.Errorf("%s: %.500s", answer.Status, body)
	}
	return string(body), err
}

// An event is published and read back with a token, and neither is possible
// without one.
func testEvent(t *testing.T, s *stack) {
	edge, bearer := s.url("edge"), "Bearer "+s.token()
	for _, status := range []int{http.StatusUnauthorized, http.StatusCreated} {
		header := []string{"Authorization", bearer}
		if status == http.StatusUnauthorized {
			header = nil
		}
		answer, err := ask(t.Context(), "POST", edge+"/v1/topics/orders.stack/events", `{"order":17}`, header...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(answer, status); err != nil {
			t.Errorf("publishing, want %d: %v", status, err)
		}
	}
	stream, err := ask(t.Context(), "GET", edge+"/v1/events?topic=orders.stack&last_event_id=0", "", "Authorization", bearer)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() {
		if lines.Text() == `data: {"order":17}` {
			return
		}
	}
	t.Errorf("the stream ended without the event: %s, %v", stream.Status, lines.Err())
}

// Whoever publishes in a trace finds it in Jaeger, and the hub's lines of it in
// Loki.
func testTrace(t *testing.T, s *stack) {
	var id [16]byte
	rand.Read(id[:]) // never fails
	trace := hex.EncodeToString(id[:])
	answer, err := ask(t.Context(), "POST", s.url("edge")+"/v1/topics/orders.stack/events", "traced",
		"Authorization", "Bearer "+s.token(), "traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(answer, http.StatusCreated); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "a span of the trace in Jaeger", func() error {
		answer, err := ask(t.Context(), "GET", s.url("jaeger")+"/api/traces/"+trace, "")
		if err != nil {
			return err
		}
		text, err := read(answer, http.StatusOK)
		if err == nil && !strings.Contains(text, `"spans":[{`) {
			err = fmt.Errorf("no spans in %.300s", text)
		}
		return err
	})
	// Loki is published nowhere: it is asked from where there is a wget.
	query := url.Values{"query": {`{service_name="hub"} | trace_id="` + trace + `"`}}.Encode()
	eventually(t, time.Minute, "a line of the trace in Loki", func() error {
		text, err := s.compose(t.Context(), "exec", "-T", "prometheus", "wget", "-q", "-O", "-",
			"http://loki:3100/loki/api/v1/query_range?"+query)
		if err == nil && !strings.Contains(text, "/v1/topics/") {
			err = errors.New("no line in " + text)
		}
		return err
	})
}
