package observe

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// process looks at a process and all that it started.
func process(pid int) (Figures, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Figures{}, fmt.Errorf("--pid %d: %w", pid, err)
	}
	var f Figures
	// Behind the name, which may hold anything: state is field 3 of proc_pid_stat(5).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const user, system, ticks = 14 - 3, 15 - 3, 100 // USER_HZ
	f.CPU = (number(fields, user) + number(fields, system)) / ticks
	if statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		f.RSS = number(strings.Fields(string(statm)), 1) * float64(os.Getpagesize())
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return f, nil // it has ended, or the kernel does not say
	}
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			c, _ := process(n) // one that has ended meanwhile
			f.add(c)
		}
	}
	return f, nil
}

func number(fields []string, i int) float64 {
	if i >= len(fields) {
		return 0
	}
	n, _ := strconv.ParseFloat(fields[i], 64) // 0 is what is not there
	return n
}

// Kernel returns the bytes that the system's kernel has for sockets and its own
// objects: of this machine, whoever uses them.
func Kernel() (n float64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Slab:" {
			n += number(f, 1) * 1024
		}
	}
	sockets, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return n
	}
	for line := range strings.Lines(string(sockets)) {
		if _, pages, ok := strings.Cut(line, " mem "); ok && strings.HasPrefix(line, "TCP:") {
			n += number(strings.Fields(pages), 0) * float64(os.Getpagesize())
		}
	}
	return n
}
