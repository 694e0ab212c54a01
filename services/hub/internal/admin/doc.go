// Package admin answers the admin listener: health, metrics, profiles, what
// topics and streams there are, and the end of a stream or of the hub. Who is
// let through to it is package front's matter.
//
// A new route is a line in [Handler], one in the index that GET / answers, a
// function in a file named after what it is about, and its usual statuses in
// front's Routes. What lists is answered in pages that are bounded, and
// everything by problem documents where it is refused.
package admin
