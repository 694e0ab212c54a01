// Package demo is "loadtest demo": a small shop's worth of events, with some
// readers that behave and some that don't, so that every figure of a hub has
// something to show. It goes on for ever, and waits where the hub is away.
//
// It publishes to orders.eu, orders.us, payments.card and chat.lobby, some ten
// events a second in all, and with its faults keeps 8 MiB in demo.bulk for
// readers that stall.
package demo
