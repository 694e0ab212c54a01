//go:build !unix

package bare

import "net"

// writer writes, and waits where it must.
type writer struct{ net.Conn }

func writerOf(nc net.Conn) writer { return writer{nc} }

func (w writer) write(p []byte) (int, error) { return w.Write(p) }
