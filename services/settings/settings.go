// Package settings reads the settings of a program: flags, each with an
// environment variable for where it is not given.
package settings

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Program is what settings are of.
type Program struct {
	Name   string // as it is typed, with its command: "loadtest probe"
	Prefix string // of its environment variables: "LOADTEST_"
	About  string // what its help begins with, a line break at the end
}

// EnvName returns the environment variable of a flag.
func (p Program) EnvName(flag string) string {
	return p.Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Parse reads args into the flags of set, and the environment into those that
// are not given. Asked for help it writes what the program is about and the
// list of flags to out, and returns flag.ErrHelp.
func (p Program) Parse(set *flag.FlagSet, args []string, getenv func(string) string, out io.Writer) error {
	set.SetOutput(io.Discard)
	advice := fmt.Sprintf("(%s --help lists the settings)", p.Name)
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		p.printHelp(set, out)
		return err
	} else if err != nil {
		return fmt.Errorf("%w %s", err, advice)
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is too much: %s takes settings only %s", set.Arg(0), p.Name, advice)
	}
	return p.fromEnvironment(set, getenv)
}

func (p Program) fromEnvironment(set *flag.FlagSet, getenv func(string) string) error {
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	set.VisitAll(func(f *flag.Flag) {
		v := getenv(p.EnvName(f.Name))
		if v == "" || given[f.Name] {
			return
		}
		if err := f.Value.Set(v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q: %w", p.EnvName(f.Name), v, err))
		}
	})
	return errors.Join(errs...)
}

func (p Program) printHelp(set *flag.FlagSet, out io.Writer) {
	var b strings.Builder
	b.WriteString(p.About)
	b.WriteString("\n")
	example := ""
	set.VisitAll(func(f *flag.Flag) {
		fmt.Fprintf(&b, "  --%-18s %s (%s)\n", f.Name, f.Usage, cmp.Or(f.DefValue, "none"))
		if example == "" || !strings.Contains(example, "-") {
			example = f.Name
		}
	})
	fmt.Fprintf(&b, "\nEach is a flag or an environment variable: --%s is %s.\nThe flag wins.\n", example, p.EnvName(example))
	// Help that cannot be printed has nobody to read it.
	_, _ = io.WriteString(out, b.String())
}
