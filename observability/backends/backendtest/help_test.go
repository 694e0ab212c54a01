package backendtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
	"time"
)

// eventually tries until it works: real programs take their time.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	const most = 90 * time.Second
	var err error
	for late := time.Now().Add(most); time.Now().Before(late); time.Sleep(100 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: not after %v: %v", what, most, err)
}

// post sends JSON and wants an answer below 300.
func post(t *testing.T, url string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 10_000))
	if response.StatusCode >= 300 {
		t.Fatalf("%s: %s: %s", url, response.Status, answer)
	}
}

// get reads the JSON at a URL.
func get(url string, query url.Values, into any) error {
	if query != nil {
		url += "?" + query.Encode()
	}
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %.1000s", response.Status, text)
	}
	return json.Unmarshal(text, into)
}

// command runs a program that has to succeed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
