// Package crew is the processes of a load test. Each worker has its share of the
// streams and of the connections that publish; one coordinator tells all of them
// what to do and adds up what they saw. They speak net/rpc: over a pipe with a
// worker in a process of its own (descriptors and processor time are a process's
// own), or within the same process.
package crew
