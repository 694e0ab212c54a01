package settings

import "runtime"

// OwnFiles is how many files the hub holds whatever its clients do: two for
// each delivery loop, of which there is one a core at most, the store, the
// listeners, the runtime's own, and some to spare.
func OwnFiles() int { return 2*runtime.GOMAXPROCS(0) + 16 }

// MaxSockets returns how many connections of clients may be open with a limit
// of so many files, streams among them; 0 stands for no limit in both. The
// rest is the hub's own, and operators'.
func MaxSockets(files int) int {
	if files == 0 {
		return 0
	}
	return max(files-OwnFiles()-min(files/20, 64), 1)
}

// SocketsEach returns how many connections an address may have of which so
// many are streams: each has some for publishes and pongs. 0: no limit.
func SocketsEach(streams int) int {
	if streams == 0 {
		return 0
	}
	return 2*streams + 16
}

// fileReserve is how many of a limit of open files streams leave to the
// store, the listeners, publishers and operators.
func fileReserve(limit int) int { return min(limit/10, 256) }

// MaxStreams returns how many streams may be open with a limit of so many
// files; 0 stands for no limit in both.
func MaxStreams(setting, files int) int {
	if files == 0 {
		return setting
	}
	room := max(files-fileReserve(files), 1)
	if setting == 0 {
		return room
	}
	return min(setting, room)
}
