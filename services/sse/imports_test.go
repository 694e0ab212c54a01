package sse_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestRooms: each package below sse knows what it needs and no more, none knows
// sse, and what the kernel is asked for is asked for in sockets alone.
func TestRooms(t *testing.T) {
	const module = "github.com/sluice-stream/sluice/services/"
	const rooms = "sse/internal/"
	may := map[string][]string{ // beside the standard library
		"sse": {"eventlog", "wire", rooms + "fanout", rooms + "heartbeat", rooms + "readers", rooms + "sockets", rooms + "stream"},

		rooms + "fanout":    {"eventlog", "wire"},
		rooms + "heartbeat": {"wire"},
		rooms + "readers":   {"eventlog"},
		rooms + "stream":    {"eventlog", "wire"},
		rooms + "sockets": {"eventlog", "wire", rooms + "fanout", rooms + "heartbeat", rooms + "readers", rooms + "stream",
			"golang.org/x/sys/unix", "syscall", "unsafe"},
	}
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.Command("go", "list", "-json=ImportPath,Imports", module+"sse/...")
		list.Env = append(os.Environ(), "GOOS="+system)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		seen := 0
		for decoder := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
			var p struct {
				ImportPath string
				Imports    []string
			}
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(p.ImportPath, module)
			for _, path := range p.Imports {
				i, ours := strings.CutPrefix(path, module)
				free := !ours && !strings.Contains(path, ".") && path != "syscall" && path != "unsafe"
				if !free && !slices.Contains(may[name], i) {
					t.Errorf("on %s %s imports %s", system, name, path)
				}
			}
		}
		if seen != len(may) {
			t.Errorf("%d packages were looked at, %d are known", seen, len(may))
		}
	}
}
