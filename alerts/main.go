package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const usage = `alerts writes rules of Prometheus. Run it in the checkout's root.

  alerts rules                          write alerts/rules/objectives.yml, from the objectives
  alerts scaled --factor N --out DIR    write copies of alerts/rules/*.yml to DIR, with all
                                        times divided by N, so that a drill need not wait
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "alerts: %v\n", err)
		os.Exit(1)
	}
}

// run does what args say, with paths relative to the working directory.
func run(args []string, stdout io.Writer) error {
	command := "rules"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "rules":
		text, err := objectivesFile()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join("alerts", "rules", "objectives.yml"), text, 0o644)
	case "scaled":
		f := flag.NewFlagSet("alerts scaled", flag.ContinueOnError)
		f.SetOutput(stdout)
		factor := f.Float64("factor", 60, "what times are divided by, 1 or more")
		out := f.String("out", "", "`folder` to write to; made where it is not")
		if err := f.Parse(args); err != nil {
			return err
		}
		return writeScaled(filepath.Join("alerts", "rules"), *out, *factor)
	case "help", "--help", "-help", "-h":
		_, err := io.WriteString(stdout, usage)
		return err
	}
	return fmt.Errorf("no command %q: there are rules, scaled and help", command)
}
