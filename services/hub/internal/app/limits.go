package app

import "runtime"

// ownFiles is how many files the hub holds whatever its clients do: two for
// each delivery loop, of which there is one a core at most, the store, the
// listeners, the runtime's own, and some to spare.
func ownFiles() int { return 2*runtime.GOMAXPROCS(0) + 16 }

// fileReserve is how many of a limit of open files streams leave to the
// store, the listeners, publishers and operators.
func fileReserve(limit int) int { return min(limit/10, 256) }

// maxStreams returns how many streams may be open with a limit of so many
// files; 0 stands for no limit in both.
func maxStreams(setting, files int) int {
	if files == 0 {
		return setting
	}
	room := max(files-fileReserve(files), 1)
	if setting == 0 {
		return room
	}
	return min(setting, room)
}
