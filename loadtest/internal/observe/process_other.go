//go:build !linux

package observe

import "errors"

func process(int) (Figures, error) {
	return Figures{}, errors.New("--pid: processes can be looked at on Linux only")
}

// Kernel returns the bytes that the system's kernel has for sockets and its own
// objects; 0, as it is not known here.
func Kernel() float64 { return 0 }
