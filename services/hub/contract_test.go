package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// contract is contract.json; contract.md says what its members mean.
type contract struct {
	Format     string
	Hubs       map[string][]string
	Files      map[string]string
	Tokens     map[string]contractToken
	Chapters   []contractChapter
	Unprovoked map[string]string
}

// contractToken is a token of a client, and what it claims. One that lasts for
// so many seconds is made when a row needs it.
type contractToken struct {
	Claims jwt.MapClaims
	JWT    string
	Lasts  int
}

// tokens returns the tokens by name, as they are sent.
func (c *contract) tokens(t *testing.T) map[string]string {
	sent := map[string]string{}
	for name, token := range c.Tokens {
		sent[name] = token.JWT
		if token.Lasts == 0 {
			continue
		}
		claims := maps.Clone(token.Claims)
		claims["exp"] = time.Now().Unix() + int64(token.Lasts)
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.Files["secret"]))
		if err != nil {
			t.Fatal(err)
		}
		sent[name] = text
	}
	return sent
}

type contractChapter struct {
	Chapter string
	Rows    []contractRow
}

type contractRow struct {
	Rule  string
	Hub   string
	Steps []contractStep
}

// contractStep is a publish, a request, a read, a close, or steps that hold
// sooner or later.
type contractStep struct {
	Publish    contractText
	To, ID     string
	Request    string
	At         string
	Headers    []contractText
	Body       contractText
	Times      int
	Stream     string
	Read       string
	Close      string
	Eventually []contractStep
	Expect     expectation
}

type expectation struct {
	Status  int
	Problem string
	Plain   bool
	Headers map[string]any
	JSON    any
	Lines   []any
	Body    any
	Events  []map[string]any
	Then    string
}

func readContract(t *testing.T) *contract {
	t.Helper()
	content, err := os.ReadFile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	c := new(contract)
	if err := d.Decode(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a hub that rows ask for by name, over a store.
func (c *contract) start(t *testing.T, name, store string) *runningHub {
	settings, ok := c.Hubs[name]
	if !ok {
		t.Fatalf("no hub is named %q", name)
	}
	args := []string{"--store", store, "--data", t.TempDir()}
	for _, s := range settings {
		args = append(args, c.setting(t, s))
	}
	return startHub(t, args...)
}

// setting writes the files that a setting names, and puts in their paths.
func (c *contract) setting(t *testing.T, s string) string {
	if s == "{{token-file}}" {
		return tokenFile(t)
	}
	name, ok := strings.CutPrefix(s, "{{file:")
	if !ok {
		return s
	}
	content, ok := c.Files[strings.TrimSuffix(name, "}}")]
	if !ok {
		t.Fatalf("there is no file for %s", s)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestContract: a running hub keeps every rule of the contract, whatever it keeps
// events in. The hubs run beside each other, for what some rows do is wait.
func TestContract(t *testing.T) {
	t.Parallel()
	c := readContract(t)
	for _, store := range []string{"memory", "disk"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			c.hold(t, store)
		})
	}
}

// hold runs all rows over a store.
func (c *contract) hold(t *testing.T, store string) {
	type numbered struct {
		name string
		row  contractRow
		n    int
	}
	rows, n := map[string][]numbered{}, 0
	for _, chapter := range c.Chapters {
		for _, row := range chapter.Rows {
			n++
			hub := cmp.Or(row.Hub, "default")
			rows[hub] = append(rows[hub], numbered{chapter.Chapter + "/" + row.Rule, row, n})
		}
	}
	for name, all := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := c.start(t, name, store)
			for _, one := range all {
				t.Run(one.name, func(t *testing.T) {
					r := newContractRun(h, one.n, c.tokens(t))
					defer r.close()
					if err := r.steps(one.row.Steps); err != nil {
						t.Error(err)
					}
				})
			}
			if err := h.stop(); err != nil {
				t.Errorf("the hub ended with %v", err)
			}
		})
	}
}
