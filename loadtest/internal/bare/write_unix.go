//go:build unix

package bare

import (
	"net"
	"syscall"
)

// writer writes without waiting.
type writer struct{ raw syscall.RawConn }

func writerOf(nc net.Conn) writer {
	raw, _ := nc.(syscall.Conn).SyscallConn() // nc is of TCP
	return writer{raw}
}

func (w writer) write(p []byte) (n int, err error) {
	outer := w.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), p)
		return true
	})
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return 0, nil
	}
	if err == nil {
		err = outer
	}
	return max(n, 0), err
}
