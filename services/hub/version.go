package main

import (
	"fmt"
	"runtime/debug"
)

// buildVersion is what telemetry has of it.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// version says what this program was built from, as far as the build noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "hub, of an unknown build"
	}
	text := fmt.Sprintf("hub %s, %s", info.Main.Version, info.GoVersion)
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += ", commit " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " with changes"
		}
	}
	return text
}
