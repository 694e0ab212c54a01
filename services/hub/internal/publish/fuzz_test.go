package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-stream/sluice/services/wire"
)

// arriving is what readers make of data.
func arriving(data string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)
}

// FuzzBatch has any body as a batch: each line that is not blank gets an
// answer, and each one accepted arrives as it is written.
func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		"", "\n\r\n", `{"data":"a"}` + "\n" + `{"type":"t","key":"k","idempotency_key":"i","data":{"a": [1]}}`,
		`{"data":"a","idempotency_key":"x"}` + "\r\n\n" + `{"data":"a","idempotency_key":"x"}`, `{"data":"\u0000\ud800\r\n"}`, `{"data":1}x`, "{", "\xff", `{"data":null,"":0}`,
	} {
		f.Add([]byte(seed))
	}
	store := memoryOf(1000)
	h := newRoom(f, store, nil).http
	f.Fuzz(func(t *testing.T, body []byte) {
		status, answers := post(t, h, linesType, body)
		var lines [][]byte
		for l := range bytes.SplitSeq(body, []byte("\n")) {
			if l = bytes.Trim(l, " \t\r"); len(l) > 0 {
				lines = append(lines, l)
			}
		}
		if status != 200 {
			if status != 413 || len(lines) <= maxBatch && len(body) <= maxBatchBytes {
				t.Fatalf("answered %d", status)
			}
			return
		}
		if len(answers) != len(lines) {
			t.Fatalf("%d answers for %d lines", len(answers), len(lines))
		}
		events := store.events(t)
		for i, a := range answers {
			if a.Line != i+1 {
				t.Errorf("line %d is answered as %d", i+1, a.Line)
			}
			if a.Status != 201 {
				continue
			}
			var want struct {
				Type, Key string
				Data      json.RawMessage
			}
			if err := json.Unmarshal(lines[i], &want); err != nil || !utf8.Valid(lines[i]) || len(events) == 0 {
				t.Fatalf("%q was accepted: %v", lines[i], err)
			}
			text := string(want.Data)
			if text[0] == '"' {
				_ = json.Unmarshal(want.Data, &text)
			}
			if want.Type == "" {
				want.Type = "message"
			}
			if m := (wire.Message{Type: want.Type, Key: want.Key, Data: arriving(text)}); events[0] != m {
				t.Errorf("%q arrived as %+v", lines[i], events[0])
			}
			events = events[1:]
		}
		if len(events) > 0 {
			t.Errorf("arrived without being accepted: %+v", events)
		}
	})
}

// FuzzCloudEvent has any members in an event, and any body as one.
func FuzzCloudEvent(f *testing.F) {
	const start = `{"specversion":"1.0","id":"1","source":"/a","type":"t"`
	for _, row := range cloudSeeds {
		f.Add([]byte(start + row + "}"))
	}
	f.Add([]byte(start + "},"))
	store := memoryOf(1)
	h := newRoom(f, store, nil).http
	others := 0
	forget := func(t *testing.T) { // another key takes the only place
		others++
		post(t, h, linesType, fmt.Appendf(nil, `{"data":"","idempotency_key":"%d"}`, others))
		store.events(t)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		forget(t)
		single, _ := post(t, h, cloudType, body)
		one := store.events(t)
		forget(t)
		status, lines := post(t, h, cloudBatchType, slices.Concat([]byte("["), body, []byte("]")))
		batched := store.events(t)
		switch {
		case single == 201:
			if len(one) != 1 || status != 200 || len(lines) != 1 || lines[0].Status != 201 || !slices.Equal(one, batched) {
				t.Errorf("%q: alone %+v, in a batch %d %+v %+v", body, one, status, lines, batched)
			}
			checkCloudEvent(t, body, one[0])
		case single != 400 && single != 413, len(one) > 0:
			t.Errorf("%q: alone %d %+v", body, single, one)
		case status != 200 && status != 400 && status != 413:
			t.Errorf("%q: in a batch %d", body, status)
		}
	})
}

var cloudSeeds = []string{
	``, `,"data":{"a": 1}`, `,"data":"a"`, `,"data":null`, `,"data":"a","datacontenttype":"text/plain"`, `,"data_base64":"w7w="`,
	`,"data_base64":1`, `,"data_base64":""`, `,"subject":"s","time":"2026-11-22T20:00:00Z","a":true,"b":1`, `,"":1`, `,"data":1,"data_base64":"="`,
	`,"datacontenttype":"a/b+json","data":[1 ]`, `,"source":"%zz"`,
}

// checkCloudEvent compares an event with what its publisher wrote.
func checkCloudEvent(t *testing.T, body []byte, got wire.Message) {
	t.Helper()
	var want struct {
		Type, Subject, DataContentType string
		Data                           json.RawMessage
		Base64                         []byte `json:"data_base64"`
	}
	if err := json.Unmarshal(body, &want); err != nil || !utf8.Valid(body) {
		t.Fatalf("%q was accepted: %v", body, err)
	}
	text := string(want.Data)
	switch {
	case want.Base64 != nil:
		text = string(want.Base64)
	case text != "" && !isJSON(want.DataContentType):
		_ = json.Unmarshal(want.Data, &text)
	}
	if m := (wire.Message{Type: want.Type, Key: want.Subject, Data: arriving(text)}); got != m {
		t.Errorf("%q arrived as %+v, want %+v", body, got, m)
	}
}
