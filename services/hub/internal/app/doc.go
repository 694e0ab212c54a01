// Package app wires a hub: it opens what the hub keeps, gives each room what
// it needs, puts the routes in front of them, serves, and ends all of it in
// order. What a request goes through and who answers it is the rooms' own:
// packages front, publish, subscribe, admin, figures, settings.
//
// Two listeners keep two kinds of callers apart. The public one subscribes
// and publishes; the admin one asks about health and figures, ends streams
// and the hub, and stays up until everything else has ended.
package app
