// Package stacktest holds compose.yaml to its word. Without an engine it loads
// the file as Compose does and checks what every container is allowed. With
// SLUICE_STACK=1 and a Docker engine with Compose (.ci/docker gets both on
// Debian) it brings the stack up, tries what must be refused, follows READMEs
// and runbooks to the letter, kills parts of it, asks what every panel of the
// dashboards asks, and brings about the faults that alerts are for.
//
// No registry is needed: an image that is not here is made on the spot, of the
// same program under the same name, with the user, the paths and the shell, or
// the want of one, that services/images.md lists. It is removed afterwards.
package stacktest
