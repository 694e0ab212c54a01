// Package settings reads the settings of loadtest's commands: flags, each with
// an environment variable for where it is not given.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// EnvName returns the environment variable of a flag.
func EnvName(flag string) string {
	return "LOADTEST_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Parse reads args into the flags of set, and the environment into those that
// are not given. Asked for help it writes about and the list of flags to out,
// and returns flag.ErrHelp.
func Parse(set *flag.FlagSet, args []string, getenv func(string) string, about string, out io.Writer) error {
	set.SetOutput(io.Discard)
	advice := fmt.Sprintf("(loadtest %s --help lists the settings)", set.Name())
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		printHelp(set, about, out)
		return err
	} else if err != nil {
		return fmt.Errorf("%w %s", err, advice)
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is too much: loadtest %s takes settings only %s", set.Arg(0), set.Name(), advice)
	}
	return fromEnvironment(set, getenv)
}

func fromEnvironment(set *flag.FlagSet, getenv func(string) string) error {
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	set.VisitAll(func(f *flag.Flag) {
		v := getenv(EnvName(f.Name))
		if v == "" || given[f.Name] {
			return
		}
		if err := f.Value.Set(v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q: %w", EnvName(f.Name), v, err))
		}
	})
	return errors.Join(errs...)
}

func printHelp(set *flag.FlagSet, about string, out io.Writer) {
	var b strings.Builder
	b.WriteString(about)
	b.WriteString("\n")
	set.VisitAll(func(f *flag.Flag) {
		usual := f.DefValue
		if usual == "" {
			usual = "none"
		}
		fmt.Fprintf(&b, "  --%-14s %s (%s)\n", f.Name, f.Usage, usual)
	})
	b.WriteString("\nEach is a flag or an environment variable: --token-file is\nLOADTEST_TOKEN_FILE. The flag wins.\n")
	// Help that cannot be printed has nobody to read it.
	_, _ = io.WriteString(out, b.String())
}
