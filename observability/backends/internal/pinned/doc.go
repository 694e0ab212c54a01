// Package pinned builds the observability backends that tests and "backends
// up" use, from their Go modules, each once a machine.
//
// Their modules conflict with one another and with the hub's, so none of them
// is in the main go.mod: a module is made up for each build, in a scratch
// folder, and only the program is kept, in the user's cache. Checksums are
// those of the backend's own go.sum, which the checksum database vouches for
// together with the rest of its module.
package pinned
