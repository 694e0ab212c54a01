package health

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// RTT returns the round trip that the kernel has measured for a connection,
// smoothed (tcp(7), TCP_INFO). It answers false where it has not, or the
// connection has no socket of TCP.
func RTT(c net.Conn) (rtt time.Duration, ok bool) {
	sc, is := c.(syscall.Conn)
	if !is {
		return 0, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, false
	}
	var info *unix.TCPInfo
	ctlErr := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if ctlErr != nil || err != nil || info.Rtt == 0 {
		return 0, false
	}
	return time.Duration(info.Rtt) * time.Microsecond, true
}
