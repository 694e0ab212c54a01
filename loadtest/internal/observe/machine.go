package observe

import (
	"os"
	"strings"
)

// System returns the release of the system's kernel, where it is known.
func System() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // there is none elsewhere
	return strings.TrimSpace(string(text))
}

// Processor returns the name of the processor, where it is known.
func Processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // likewise
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
