// Package settings says how loadtest's commands take their settings.
package settings

import (
	"flag"
	"io"

	"github.com/sluice-stream/sluice/services/settings"
)

// Parse reads args into the flags of a command's set, and LOADTEST_* variables
// into those that are not given. Asked for help it writes about and the list of
// flags to out, and returns flag.ErrHelp.
func Parse(set *flag.FlagSet, args []string, getenv func(string) string, about string, out io.Writer) error {
	return settings.Program{Name: "loadtest " + set.Name(), Prefix: "LOADTEST_", About: about}.Parse(set, args, getenv, out)
}
