package sse_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// TestRooms: each package below sse knows what it needs and no more, none knows
// sse, and what the kernel is asked for is asked for in sockets alone.
func TestRooms(t *testing.T) {
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
		all := programtest.Packages(t, system, "services/sse")
		for _, p := range all {
			name := strings.TrimPrefix(p.Name(), "services/")
			for _, path := range p.Imports {
				i, ours := strings.CutPrefix(path, programtest.Module+"services/")
				free := !ours && !strings.Contains(path, ".") && path != "syscall" && path != "unsafe"
				if !free && !slices.Contains(may[name], i) {
					t.Errorf("on %s %s imports %s", system, name, path)
				}
			}
		}
		if len(all) != len(may) {
			t.Errorf("%d packages were looked at, %d are known", len(all), len(may))
		}
	}
}
