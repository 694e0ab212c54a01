// Package local runs the real observability backends on loopback, each a
// process of its own with the configuration of observability/, which the
// compose stack mounts as it is. Only addresses and folders differ, and these
// are in the environment or in files of targets.
package local
