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
		n, errno := v.call(fd)
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

// rawMost is how many bytes are written without telling Go's scheduler.
const rawMost = 64 << 10

// call is the system call. Telling the scheduler of each has a price: while the
// call lasts, the scheduler may give the loop's place to another goroutine, and
// the loop then waits in line for one, with its sweep half done. What the
// telling is for is a call that waits, and these never do: the socket is
// non-blocking, and the memory was written a moment ago. What is left is the
// kernel's own work for as many bytes, which on this machine's own interfaces
// includes the reader's end: some ten microseconds for small writes, and a few
// milliseconds at most where the kernel serves other packets on the way. For
// so long a collection's stop waits for the loop, and a goroutine for its
// place. Large writes tell, so that it stays so.
func (v *vector) call(fd int) (n uintptr, errno syscall.Errno) {
	one, tell := v.n == 1, v.left > rawMost
	switch {
	case one && tell:
		n, _, errno = unix.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(v.iov[0].Base)), uintptr(v.left))
	case one:
		n, _, errno = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(v.iov[0].Base)), uintptr(v.left))
	case tell:
		n, _, errno = unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iov[0])), uintptr(v.n))
	default:
		n, _, errno = unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iov[0])), uintptr(v.n))
	}
	return n, errno
}
