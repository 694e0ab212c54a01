package local

import (
	"errors"
	"os"
	"syscall"
)

// apart keeps Ctrl-C on the console from the process.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// ask can't end a process in order on Windows.
func ask(*os.Process) error { return errors.New("no way to ask on Windows") }
