package programtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Module is the path of this module, with a slash at its end.
const Module = "github.com/sluice-stream/sluice/"

// Package is what go list says of one.
type Package struct {
	ImportPath string
	Doc        string   // the first sentence of its documentation
	GoFiles    []string // none: it has tests alone
	Imports    []string // not those of its tests
}

// Name is the package's folder in the repository, such as services/hub.
func (p Package) Name() string { return strings.TrimPrefix(p.ImportPath, Module) }

// Packages returns those below some folders of the repository, such as
// services/sse, as they are built for an operating system; "" is this one.
func Packages(t testing.TB, system string, folders ...string) []Package {
	t.Helper()
	args := []string{"list", "-json=ImportPath,Doc,GoFiles,Imports"}
	for _, folder := range folders {
		args = append(args, Module+folder+"/...")
	}
	list := exec.Command("go", args...)
	if system != "" {
		list.Env = append(os.Environ(), "GOOS="+system)
	}
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []Package
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p Package
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}
