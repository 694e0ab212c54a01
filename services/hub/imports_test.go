package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// Arrows point inward: the log knows how it looks on the wire, stores know the
// log, the server of streams knows both, the hub knows them all, and the
// libraries know nothing of what watches them. What drives the hub from
// outside knows it by the wire only, and so does the edge.
func TestArrowsPointInward(t *testing.T) {
	for _, p := range ofOurs(t) {
		for _, i := range p.Imports {
			if !mayImport(p.Name(), i) {
				t.Errorf("%s imports %s", p.Name(), i)
			}
		}
	}
}

// TestPackagesSayWhatTheyAre: each has its documentation, which an empty line
// before the package clause would cut off.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range ofOurs(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package documentation", p.Name())
		}
	}
}

func ofOurs(t *testing.T) []programtest.Package {
	t.Helper()
	all := programtest.Packages(t, "", "services", "observability", "loadtest", "dashboards", "alerts")
	if len(all) < 50 {
		t.Errorf("only %d packages were looked at", len(all))
	}
	return all
}

func mayImport(name, path string) bool {
	inside, ours := strings.CutPrefix(path, programtest.Module)
	standard := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
	within := func(name string, roots ...string) bool {
		for _, r := range roots {
			if name == r || strings.HasPrefix(name, r+"/") {
				return true
			}
		}
		return false
	}
	switch {
	case standard:
		return true
	case within(name, "services/wire"):
		return false // the standard library only
	case name == "services/eventlog", within(name, "services/client"):
		return within(inside, "services/wire")
	case within(name, "services/eventlog"):
		return !ours && !within(path, "github.com/prometheus", "go.opentelemetry.io", "github.com/gin-gonic") ||
			within(inside, "services/eventlog", "services/wire")
	case ours && within(name, "services/hub/internal"):
		return roomMayImport(strings.TrimPrefix(name, "services/hub/internal/"), inside)
	case within(name, "services/sse"):
		return within(inside, "services/eventlog", "services/sse", "services/wire") || within(path, "golang.org/x/sys")
	case within(name, "loadtest"):
		return !ours || within(inside, "loadtest", "services/client", "services/wire", "services/settings", "observability")
	case within(name, "services/edge"):
		return !ours || within(inside, "services/edge", "services/settings", "services/handshakes", "observability")
	case within(name, "services/settings", "services/handshakes"):
		return standard
	case within(name, "observability"):
		return !ours || within(inside, "observability", "services/eventlog", "services/sse", "services/wire")
	}
	return true
}

// doors are the rooms of the hub from outside in, each with those that it may
// enter beside itself. What is not here is a piece that any of them may use.
var doors = map[string][]string{
	"app":       {"admin", "publish", "subscribe", "figures", "front", "settings"},
	"admin":     {"figures", "front", "settings"},
	"publish":   {"figures", "front", "settings"},
	"subscribe": {"figures", "front", "settings"},
	"figures":   {"settings"},
	"front":     {"settings"},
	"settings":  {},
	"roomtest":  {"figures", "front", "settings"},
}

// roomMayImport holds the rooms to their doors. The pieces that rooms are made
// of know no room, and no package knows a command but the main one.
func roomMayImport(room, path string) bool {
	other, inside := strings.CutPrefix(path, "services/hub/internal/")
	if !inside {
		return true
	}
	_, isRoom := doors[other]
	switch {
	case strings.HasPrefix(other, "commands/"):
		return room == "commands" || strings.HasPrefix(room, "commands/")
	case !isRoom:
		return true
	}
	return slices.Contains(doors[room], other)
}
