//go:build !unix

package crew

import "os"

// ProcessorTime is not known here.
func ProcessorTime() float64 { return 0 }

func processID() int { return os.Getpid() }
