// Package app is the hub: it reads the settings, opens the log, puts the
// routes in front of it and ends all of it in order.
//
// Two listeners keep two kinds of callers apart. The public one subscribes
// and publishes; the admin one asks about health and figures, and stays up
// until everything else has ended.
package app
