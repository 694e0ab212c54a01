package nginx

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of a process' times (proc(5), USER_HZ).
const tick = 10 * time.Millisecond

// Usage looks at /proc.
func (p *Process) Usage() (Usage, error) {
	var u Usage
	master := p.Pid()
	if err := u.add(master, true); err != nil {
		return u, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", master, master))
	if err != nil {
		return u, fmt.Errorf("looking for nginx's workers: %w", err)
	}
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil || u.add(pid, false) != nil {
			continue // it has just ended
		}
		u.Workers = append(u.Workers, pid)
		title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.Contains(title, []byte("shutting down")) {
			u.Ending++
		} else {
			u.Serving++
		}
		u.Files = max(u.Files, openFiles(pid))
	}
	return u, nil
}

// add adds the times and the memory of a process; with ended those of its
// children that have ended.
func (u *Usage) add(pid int, ended bool) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return fmt.Errorf("looking at nginx: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // its name is before
	fields := strings.Fields(rest)
	const utime, cutime, rss = 14 - 3, 16 - 3, 24 - 3 // as proc(5) numbers them
	if len(fields) <= rss {
		return fmt.Errorf("/proc/%d/stat is %q", pid, text)
	}
	counts := fields[utime:cutime]
	if ended {
		counts = fields[utime : cutime+2]
	}
	for _, c := range counts {
		n, _ := strconv.ParseInt(c, 10, 64) // the kernel's number
		u.CPU += time.Duration(n) * tick
	}
	pages, _ := strconv.ParseUint(fields[rss], 10, 64)
	u.Resident += pages * uint64(os.Getpagesize())
	return nil
}

// openFiles returns how many files a process has open. Newer kernels say it
// without listing them (proc(5), /proc/pid/fd, since 6.2).
func openFiles(pid int) int {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	if info, err := os.Stat(folder); err == nil && info.Size() > 0 {
		return int(info.Size())
	}
	all, err := os.ReadDir(folder)
	if err != nil {
		return 0
	}
	return len(all)
}
