// Command refused tries what a service has no business with and prints, for
// each, what the kernel said: a name and an error or "done".
package main

import (
	"fmt"
	"os"
	"syscall"
)

// Numbers of system calls that package syscall lacks; the same on x86-64 and
// arm64.
const (
	ioUringSetup = 425
	clone3       = 435
)

func main() {
	for _, attempt := range []struct {
		name string
		do   func() error
	}{
		{"ptrace", func() error { return call(syscall.SYS_PTRACE, 0) }}, // PTRACE_TRACEME
		{"mount", func() error { return syscall.Mount("none", os.Args[1], "tmpfs", 0, "") }},
		{"unshare", func() error { return syscall.Unshare(syscall.CLONE_NEWUTS) }},
		{"setns", func() error { return call(syscall.SYS_SETNS, 0, 0) }},
		{"chroot", func() error { return syscall.Chroot("/") }},
		{"sethostname", func() error { return syscall.Sethostname([]byte("other")) }},
		{"keyctl", func() error { return call(syscall.SYS_KEYCTL, 0) }},
		{"io_uring", func() error { return call(ioUringSetup, 1) }},
		{"clone3", func() error { return call(clone3, 0, 0) }},
		{"packets", func() error { return socket(syscall.AF_PACKET) }},
		{"setuid", func() error { return call(syscall.SYS_SETUID, 0) }},
		{"internet", func() error { return socket(syscall.AF_INET) }}, // which is allowed
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
	if _, _, errno := syscall.RawSyscall(number, a[0], a[1], a[2]); errno != 0 {
		return errno
	}
	return nil
}

func socket(family int) error {
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}
