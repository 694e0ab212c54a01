//go:build unix && !linux

package local

import "syscall"

// apart keeps Ctrl-C on the terminal from the process, which is ended in
// order instead.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
