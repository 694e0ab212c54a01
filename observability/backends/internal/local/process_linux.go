package local

import "syscall"

// apart keeps Ctrl-C on the terminal from the process, which is ended in
// order instead, and ends it when we are killed.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
