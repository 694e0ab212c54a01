package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/prometheus/common/model"
)

// Times are not scaled below what still works.
const (
	leastWindow   = 30 * time.Second // of a range: several scrapes, also on a busy machine
	leastInterval = time.Second      // between evaluations
)

var (
	ranges    = regexp.MustCompile(`\[(\d+[smhd])\]`)
	waits     = regexp.MustCompile(`(?m)^( *(?:for|keep_firing_for): )(\d+[smhd])$`)
	intervals = regexp.MustCompile(`(?m)^( *interval: )(\d+[smhd])$`)
)

// writeScaled writes copies of rules with their times divided.
func writeScaled(from, to string, factor float64) error {
	if to == "" {
		return errors.New("give --out, the folder to write to")
	}
	if factor < 1 {
		return fmt.Errorf("the factor is %v: give 1 or more", factor)
	}
	files, err := filepath.Glob(filepath.Join(from, "*.yml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there are no rules in %s: run this in the checkout's root", from)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), []byte(scaled(string(text), factor)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// scaled divides the ranges of expressions, how long alerts wait and last, and
// the time between evaluations. Names and limits stay.
func scaled(rules string, factor float64) string {
	rules = ranges.ReplaceAllStringFunc(rules, func(s string) string {
		return "[" + divided(s[1:len(s)-1], factor, leastWindow) + "]"
	})
	rules = waits.ReplaceAllStringFunc(rules, func(s string) string {
		m := waits.FindStringSubmatch(s)
		return m[1] + divided(m[2], factor, 0)
	})
	return intervals.ReplaceAllStringFunc(rules, func(s string) string {
		m := intervals.FindStringSubmatch(s)
		return m[1] + divided(m[2], factor, leastInterval)
	})
}

// divided returns a time of Prometheus divided, in whole seconds, not below
// least unless it was.
func divided(text string, factor float64, least time.Duration) string {
	d, err := model.ParseDuration(text)
	if err != nil {
		panic(err) // the expressions above let nothing else through
	}
	whole := time.Duration(d)
	part := (time.Duration(float64(whole) / factor)).Round(time.Second)
	return model.Duration(max(part, min(least, whole))).String()
}
