// Package edge holds the configuration of nginx in front of the hub, and tests
// of it with a real nginx and a real hub, on Linux.
package edge
