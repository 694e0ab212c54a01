package sockets

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// frame is one chunk of HTTP/1.1 (RFC 9112, section 7.1) on its way to a
// socket: its size line, bytes of a block, and the line end. A raw frame is
// framed already.
type frame struct {
	block    *eventlog.Block
	from, to uint32
	done     uint32 // bytes of the frame that were accepted
	counts   stream.Counts
	raw      bool
}

// vector is what writev(2) is given, with room for a size line.
type vector struct {
	iov  [3]unix.Iovec
	n    int
	left int
	size [wire.SizeRoom]byte
}

var crlfBytes = [2]byte{'\r', '\n'}

// set prepares what of a frame has not been accepted.
func (v *vector) set(f *frame, p []byte) {
	v.n, v.left = 0, 0
	skip := int(f.done)
	if f.raw {
		v.add(p, &skip)
		return
	}
	line := wire.AppendSizeLine(v.size[:0], len(p))
	v.add(line, &skip)
	v.add(p, &skip)
	v.add(crlfBytes[:], &skip)
}

// whole prepares bytes that are a frame, or several.
func (v *vector) whole(p []byte) {
	v.n, v.left = 0, 0
	skip := 0
	v.add(p, &skip)
}

func (v *vector) add(p []byte, skip *int) {
	n := min(*skip, len(p))
	*skip -= n
	if p = p[n:]; len(p) == 0 {
		return
	}
	v.iov[v.n].Base = &p[0]
	v.iov[v.n].SetLen(len(p))
	v.n++
	v.left += len(p)
}

// write gives the vector to a socket, which never blocks.
func (v *vector) write(fd int) (int, error) {
	for {
		var n uintptr
		var errno syscall.Errno
		if v.n == 1 {
			n, _, errno = unix.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(v.iov[0].Base)), uintptr(v.left))
		} else {
			n, _, errno = unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iov[0])), uintptr(v.n))
		}
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, errno
		}
	}
}
