// Package app is the running edge: it finds out what the machine has room for,
// fills in nginx's configuration, starts nginx, and joins what nginx says to
// where that goes. It is for Linux.
package app
