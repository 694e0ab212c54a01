package publish

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// scripted answers each publish with the next of its answers, and remembers
// what it was sent and when.
type scripted struct {
	answers []answer
	bodies  []string
	keys    []string // of idempotency
	at      []time.Duration
	start   time.Time
}

type answer struct {
	status int // 0: the connection fails
	header map[string]string
	body   string
}

var accepted = answer{status: 201, body: `{"topic":"logs","id":"7-0"}`}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.bodies = append(s.bodies, string(body))
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	s.at = append(s.at, time.Since(s.start))
	a := accepted
	if len(s.answers) > 0 {
		a, s.answers = s.answers[0], s.answers[1:]
	}
	if a.status == 0 {
		return nil, errors.New("connection refused")
	}
	w := &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
	for k, v := range a.header {
		w.Header.Set(k, v)
	}
	return w, nil
}

// play feeds input against answers.
func play(t *testing.T, input string, answers ...answer) (hub *scripted, failed int, report string, err error) {
	t.Helper()
	hub = &scripted{answers: answers, start: time.Now()}
	var out bytes.Buffer
	s := newSender(options{url: defaultURL, topic: "logs"}, &out)
	s.client.Transport = hub
	failed, err = feed(t.Context(), s, strings.NewReader(input), &out)
	return hub, failed, out.String(), err
}

func TestLinesArriveInOrder(t *testing.T) {
	hub, failed, _, err := play(t, "one\n\ntwo\r\nlast without an end")
	if got := strings.Join(hub.bodies, "|"); got != "one||two|last without an end" || failed != 0 || err != nil {
		t.Errorf("sent %q, %d failed, %v", got, failed, err)
	}
}

func TestTroubleIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, failed, report, err := play(t, "one\ntwo\n",
			answer{}, answer{}, answer{status: 503}, answer{status: 502, body: "<html>"},
			answer{status: 429, header: map[string]string{"Retry-After": "7"}, body: `{"detail":"too many"}`},
			accepted)
		if got := strings.Join(hub.bodies, "|"); got != "one|one|one|one|one|one|two" || failed != 0 || err != nil {
			t.Errorf("sent %q, %d failed, %v", got, failed, err)
		}
		if pause := hub.at[5] - hub.at[4]; pause != 7*time.Second {
			t.Errorf("Retry-After of 7 s became %v", pause)
		}
		for i := 1; i < 5; i++ {
			pause, base := hub.at[i]-hub.at[i-1], firstWait<<(i-1)
			if pause < base/2 || pause > base*3/2 {
				t.Errorf("wait %d was %v, want about %v", i, pause, base)
			}
		}
		if strings.Count(report, "trying again") != 1 || strings.Count(report, "going on") != 1 {
			t.Errorf("trouble is not reported once: %s", report)
		}
	})
}

// Each line has a key of its own in each run, and keeps it in every attempt:
// one that was published although its answer was lost is not published again.
func TestLinesHaveKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, failed, _, err := play(t, "same\nsame\n", answer{}, answer{status: 504},
			answer{status: 200, body: `{"topic":"logs","id":"6-0","duplicate":true}`}, accepted)
		if failed != 0 || err != nil || len(hub.keys) != 4 {
			t.Fatalf("sent %q, %d failed, %v", hub.keys, failed, err)
		}
		if hub.keys[0] == "" || hub.keys[1] != hub.keys[0] || hub.keys[2] != hub.keys[0] || hub.keys[3] == hub.keys[0] {
			t.Errorf("three attempts of one line and one of the next had the keys %q", hub.keys)
		}
		again, _, _, _ := play(t, "same\n")
		if again.keys[0] == hub.keys[0] {
			t.Errorf("two runs had the key %s", again.keys[0])
		}
	})
}

func TestRefusedLinesAreLeftOut(t *testing.T) {
	hub, failed, report, err := play(t, "one\nbad\n"+strings.Repeat("x", maxLine+1)+"\nlast\n",
		accepted, answer{status: 400, body: `{"detail":"the body must be UTF-8 text"}`})
	if got := strings.Join(hub.bodies, "|"); got != "one|bad|last" || failed != 2 || err != nil {
		t.Errorf("sent %q, %d failed, %v", got, failed, err)
	}
	for _, want := range []string{"line 2 left out", "must be UTF-8", "line 3 left out: longer than 16777216 bytes"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q: %s", want, report)
		}
	}
}

func TestWrongAddressEndsIt(t *testing.T) {
	for _, status := range []int{200, 201, 301, 404, 405} {
		hub, _, _, err := play(t, "one\ntwo\n", answer{status: status, body: "<html>"})
		if err == nil || len(hub.bodies) != 1 || !strings.Contains(err.Error(), "is there a hub at this address?") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newSender(options{url: defaultURL, topic: "logs"}, io.Discard)
		s.client.Transport = &scripted{answers: []answer{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}, start: time.Now()}
		time.AfterFunc(time.Second, cancel)
		if _, err := feed(ctx, s, strings.NewReader("one\n"), io.Discard); err == nil || !strings.Contains(err.Error(), "line 1: interrupted") {
			t.Errorf("a line that was not acknowledged: %v", err)
		}
		r, w := io.Pipe()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := feed(ctx, s, r, io.Discard); err != nil {
			t.Errorf("between two lines: %v", err)
		}
		w.Close()
		synctest.Wait()
	})
}

func TestLongLines(t *testing.T) {
	input := strings.Repeat("a", maxLine) + "\r\n" + strings.Repeat("b", maxLine+1) + "\n" + strings.Repeat("c", 200_000) + "\n\n"
	for name, in := range map[string]io.Reader{"whole": strings.NewReader(input), "halves": iotest.HalfReader(strings.NewReader(input))} {
		r := newLineReader(in)
		for _, want := range []struct {
			length int
			err    error
		}{{maxLine, nil}, {0, errTooLong}, {200_000, nil}, {0, nil}, {0, io.EOF}} {
			if text, err := r.read(); len(text) != want.length || err != want.err {
				t.Errorf("%s: read %d bytes, %v; want %d, %v", name, len(text), err, want.length, want.err)
			}
		}
	}
}

func TestBadArguments(t *testing.T) {
	for _, row := range []struct {
		args string
		want string
	}{
		{"", "name one topic"},
		{"a b", "name one topic"},
		{"hub.stats", "cannot be published to"},
		{".a", "cannot be published to"},
		{"a --type error", "is not a type"},
		{"a --url localhost:8080", "is not the address of a hub"},
		{"a --nonsense", "hub publish --help"},
	} {
		err := Run(t.Context(), strings.Fields(row.args), func(string) string { return "" }, strings.NewReader(""), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v", row.args, err)
		}
	}
	o, err := parse([]string{"--type", "a", "logs", "--url", "http://b/"}, func(string) string { return "http://c" }, io.Discard) // every variable
	if want := (options{"http://b", "logs", "a", "http://c"}); err != nil || o != want {
		t.Errorf("%+v, %v", o, err)
	}
}
