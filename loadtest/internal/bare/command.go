package bare

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"

	"github.com/sluice-stream/sluice/loadtest/internal/settings"
)

const help = `loadtest bare [settings] is the limit that event streams are held against: a server that
writes to each socket what it has not had, from one loop, and does nothing else. A GET is a
stream, and what is sent with a POST goes to all of them.

`

const begins = "listens at "

// Run is the command.
func Run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	set := flag.NewFlagSet("bare", flag.ContinueOnError)
	listen := set.String("listen", "127.0.0.1:9104", "address of both")
	if err := settings.Parse(set, args, getenv, help, out); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	fmt.Fprintln(out, begins+"http://"+l.Addr().String())
	return Serve(ctx, l)
}

// Process starts one in a process of its own; command starts this program. It
// returns its address and its process. It ends with ctx.
func Process(ctx context.Context, command []string, errs io.Writer) (address string, c *exec.Cmd, err error) {
	c = exec.CommandContext(ctx, command[0], append(command[1:], "bare", "--listen", "127.0.0.1:0")...)
	c.Stderr = errs
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return "", nil, fmt.Errorf("start the bare loop: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), begins); ok {
			return address, c, nil
		}
	}
	_ = c.Process.Kill() // or it has ended
	return "", nil, errors.Join(errors.New("the bare loop did not start"), c.Wait())
}
