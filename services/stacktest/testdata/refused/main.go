// Command refused tries what a service has no business with and prints, for
// each, what the kernel said: a name and an error or "done".
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// noProcess is no number of a process: whoever may trace is told so.
const noProcess = 1<<31 - 1

func main() {
	for _, attempt := range []struct {
		name string
		do   func() error
	}{
		{"ptrace", func() error { return call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, noProcess) }},
		{"mount", func() error { return unix.Mount("none", os.Args[1], "tmpfs", 0, "") }},
		{"unshare", func() error { return unix.Unshare(unix.CLONE_NEWUTS) }},
		{"setns", func() error { return call(unix.SYS_SETNS, 0, 0) }},
		{"chroot", func() error { return unix.Chroot("/") }},
		{"sethostname", func() error { return unix.Sethostname([]byte("other")) }},
		{"keyctl", func() error { return call(unix.SYS_KEYCTL, 0) }},
		{"io_uring", func() error { return call(unix.SYS_IO_URING_SETUP, 1) }},
		{"clone3", func() error { return call(unix.SYS_CLONE3, 0, 0) }},
		{"packets", func() error { return socket(unix.AF_PACKET) }},
		{"setuid", func() error { return call(unix.SYS_SETUID, 0) }},
		{"internet", func() error { return socket(unix.AF_INET) }}, // which is allowed
	} {
		said := "done"
		if err := attempt.do(); err != nil {
			said = err.Error()
		}
		fmt.Printf("%s: %s\n", attempt.name, said)
	}
}

func call(number uintptr, arguments ...uintptr) error {
	var a [3]uintptr
	copy(a[:], arguments)
	if _, _, errno := unix.RawSyscall(number, a[0], a[1], a[2]); errno != 0 {
		return errno
	}
	return nil
}

func socket(family int) error {
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}
