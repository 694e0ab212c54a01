// Package settings is all that can be set about a hub: what each setting means
// and is by default, how it is read from flags and the environment, what is
// wrong with a value and what to do about it, and what follows from several of
// them. It promises that what [Parse] returns without an error can be run, and
// it knows nothing of what runs.
//
// A new setting is a field of [Settings], a value in [Defaults], a line in
// options.go, and a check in validate.go if not every value will do.
package settings
