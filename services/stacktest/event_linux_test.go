package stacktest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
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
