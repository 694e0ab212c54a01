package nginx

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// pipeBytes is how much may wait in each pipe: a thousand lines and more, while
// whoever reads them has no processor. nginx waits for a pipe that is full.
const pipeBytes = 1 << 20

// maxLine is more than any line of ours has; of a longer one the rest is lost.
const maxLine = 64 << 10

// Options say what is run and who reads it.
type Options struct {
	Program string
	Config  string            // file
	Line    func([]byte)      // a line of the access log; must not block
	Error   func(line []byte) // a line of the error log; likewise
}

// Process is a running nginx.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; to be read once ended is closed
}

// Start starts nginx. It is ended with [Process.Stop], and ends with the edge
// whatever becomes of that.
func Start(o Options) (*Process, error) {
	access, err := newPipe()
	if err != nil {
		return nil, err
	}
	errs, err := newPipe()
	if err != nil {
		access.close()
		return nil, err
	}
	p := &Process{ended: make(chan struct{})}
	p.cmd = exec.Command(o.Program, "-e", "stderr", "-c", o.Config, "-g", "daemon off;")
	p.cmd.Stdout, p.cmd.Stderr = access.write, errs.write
	// A group of its own: a Ctrl-C is for the edge, which ends it in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go p.run(started, access, errs, o)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting nginx: %w: install it, or say with --nginx where it is", err)
	}
	return p, nil
}

// run starts and waits on a thread that lives as long as nginx: the kernel ends
// nginx with the thread that started it (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) run(started chan<- error, access, errs *pipe, o Options) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	access.write.Close()
	errs.write.Close()
	if err != nil {
		access.read.Close()
		errs.read.Close()
		started <- err
		return
	}
	started <- nil
	var reading sync.WaitGroup
	reading.Go(func() { each(access.read, o.Line) })
	reading.Go(func() { each(errs.read, o.Error) })
	p.err = p.cmd.Wait()
	reading.Wait()
	close(p.ended)
}

type pipe struct{ read, write *os.File }

func newPipe() (*pipe, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe to nginx: %w", err)
	}
	// What it has by default does too, for less of a pause.
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, write.Fd(), syscall.F_SETPIPE_SZ, pipeBytes)
	return &pipe{read, write}, nil
}

func (p *pipe) close() {
	p.read.Close()
	p.write.Close()
}

// each hands over line by line, until the other end is closed.
func each(from io.ReadCloser, take func([]byte)) {
	defer from.Close()
	lines := bufio.NewReaderSize(from, maxLine)
	for {
		line, more, err := lines.ReadLine()
		if err != nil {
			return
		}
		take(line)
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
	}
}

// Pid returns the number of nginx's master process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Ended is closed when nginx is no more.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err returns how it ended.
func (p *Process) Err() error {
	if p.err != nil {
		return fmt.Errorf("nginx: %w", p.err)
	}
	return errors.New("nginx has ended")
}

// Reload makes nginx read its files anew: new workers take all that comes, the
// old ones stay for the streams that they have, for a while.
func (p *Process) Reload() error {
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("reloading nginx: %w", err)
	}
	return nil
}

// Stop ends nginx: what is under way has some time, streams then come back.
func (p *Process) Stop(grace time.Duration) {
	// It may have ended by itself.
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.ended:
		return
	case <-time.After(grace):
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

var version = regexp.MustCompile(`nginx/(\d+)\.(\d+)\.(\d+)`)

// Version returns the version of a program, as 1028000 for 1.28.0.
func Version(program string) (int, error) {
	out, err := exec.Command(program, "-v").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("asking nginx for its version: %w: install it, or say with --nginx where it is", err)
	}
	m := version.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s -v says %q, which is no version of nginx", program, bytes.TrimSpace(out))
	}
	n := 0
	for _, part := range m[1:] {
		i, _ := strconv.Atoi(string(part)) // digits
		n = n*1000 + i
	}
	return n, nil
}
