//go:build race

package main

// underRace makes heavy tests smaller.
const underRace = true
