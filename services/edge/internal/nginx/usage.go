package nginx

import "time"

// Usage is what nginx's processes take of the machine.
type Usage struct {
	Workers         []int         // their processes
	Serving, Ending int           // workers; those that end are of before a reload
	Files           int           // the most that a worker has open
	CPU             time.Duration // of all of them, also those that have ended
	Resident        uint64        // bytes
}
