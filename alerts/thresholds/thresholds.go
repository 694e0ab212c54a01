// Package thresholds has the limits at which alerts fire, so that dashboards
// draw the very same lines. A test holds the rules to it.
package thresholds

// Objectives: the part of events that has to be good, over three days.
const (
	DeliveryTarget = 0.999 // of events reach every live stream within FanoutSeconds
	PublishTarget  = 0.999 // of publishes neither fail nor are refused
	ConnectTarget  = 0.999 // of streams begin within ConnectSeconds
	ResumeTarget   = 0.999 // of resumes are given all that retention promises
	ProbeTarget    = 0.999 // of the prober's round trips succeed
)

// What is good, for objectives. Both are bounds of buckets.
const (
	FanoutSeconds  = 1.0 // longest from an event's append to the attempt to write it to everybody
	ConnectSeconds = 1.0 // longest from a stream's request to its first bytes
)

// How fast an objective's budget may burn: 1 uses it up in just three days.
const (
	BurnHour    = 14.4 // over 1 h and 5 min
	BurnSixHour = 6.0  // over 6 h and 30 min
	BurnDay     = 3.0  // over 1 d and 2 h
	BurnAll     = 1.0  // over 3 d and 6 h
)

// Signals that users feel.
const (
	SlowSeconds         = 2.0   // p99 of a route's answers and of fan-outs, for 10 min
	LeastRequestRate    = 0.1   // requests a second below which a route's p99, or the part that fails, says nothing
	PublishSuccessRatio = 0.995 // of a class's publishes, for 5 min; below it everybody is told
	LeastPublishRate    = 0.05  // publishes a second below which the ratio of a class says nothing
	ProbeFailureRatio   = 0.5   // of a target's round trips over 2 min
	BufferedProbes      = 1.0   // round trips in 5 min that a buffering proxy held back; above it is no chance
)

// The edge.
const (
	EdgeErrorRatio = 0.01 // of requests that fail at the edge and at no hub, for 3 min
	EdgeFullRatio  = 0.9  // of the streams, and of a worker's connections, that it has room for
	EdgeFaultRate  = 0.0  // a second, for want of connections, files or ports: none is normal
)

// Readers.
const (
	BehindRatio        = 0.1    // of all streams that lag by a second or more, for 5 min
	BehindConnections  = 5.0    // streams that lag; no more than that is theirs alone
	LostReadersRate    = 0.2    // streams a second ended by the write time-out, or for want of pongs
	RefusedStreamsRate = 0.1    // streams a second refused by a limit on connections
	HeadroomSeconds    = 3600.0 // how far back a client may have been away, at least
	LostLogRatio       = 0.2    // of resumes in 15 min, with ids that the log does not have
	LostLogResumes     = 5.0    // such resumes; no more than that is a client's own doing
	StressRatio        = 0.1    // of all streams that are stress traffic; below it explains nothing
	ReplayQueue        = 100.0  // reads of the store that wait for their turn
)

// The store.
const (
	StoreErrorRate        = 0.0 // a second: none is normal
	StoreOperationSeconds = 1.0 // p99 of an operation
	DiskReserves          = 5.0 // what is free of the disk, in reserves: below one appends are refused
	StalledRatio          = 0.1 // of the time in which appends wait for the disk store itself, for 5 min
)

// Resources, as parts of their limits.
const (
	CPURatio         = 0.9 // of sse_cpu_quota_cores, for 5 min
	MemoryRatio      = 0.9 // of the Go runtime's memory limit
	DescriptorsRatio = 0.9 // of the limit of open files
	HubRestarts      = 2.0 // starts of one hub in 15 min; above it is a loop
)

// Telemetry's own path.
const (
	TelemetryDropRate     = 0.0   // lines and spans a second that nobody will see
	TelemetryStaleSeconds = 300.0 // since a backend last took something while more waits
)
