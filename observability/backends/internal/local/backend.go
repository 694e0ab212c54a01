package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

const (
	readyWithin = 2 * time.Minute  // from its start
	endsWithin  = 30 * time.Second // from being asked; then it is killed
)

// A Backend is one program with its ports and data, running or not. Its
// methods are for one goroutine.
type Backend struct {
	name      string
	binary    string
	addresses addresses
	launch    launch
	log       string // file that it writes to

	process *os.Process   // nil when it does not run
	ended   chan struct{} // closed when the process has
}

// Prepare gives a backend its ports and its files.
func Prepare(name string, s Settings) (*Backend, error) {
	k, ok := kinds()[name]
	if !ok {
		return nil, unknown(name)
	}
	for _, path := range []*string{&s.Data, &s.Config, &s.Receivers} { // it runs in its data folder
		if *path == "" {
			continue
		}
		whole, err := filepath.Abs(*path)
		if err != nil {
			return nil, err
		}
		*path = whole
	}
	if err := os.MkdirAll(filepath.Join(s.Data, "data"), 0o755); err != nil {
		return nil, err
	}
	at, err := reserve(name, k.ports, s.Ports)
	if err != nil {
		return nil, err
	}
	l, err := k.prepare(s, at)
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", name, err)
	}
	return &Backend{name: name, binary: s.Binary, addresses: at, launch: l, log: filepath.Join(s.Data, name+".log")}, nil
}

// Name returns what the backend is.
func (b *Backend) Name() string { return b.name }

// Address returns host:port of the port of that name, "" if there is none.
func (b *Backend) Address(port string) string { return b.addresses[port] }

// Metrics returns host:port of where its own metrics are, at /metrics.
func (b *Backend) Metrics() string { return b.addresses[kinds()[b.name].metrics] }

// LogFile returns the file that the backend writes to.
func (b *Backend) LogFile() string { return b.log }

// Ended returns a channel that is closed when the process has ended, by
// itself or by Stop.
func (b *Backend) Ended() <-chan struct{} { return b.ended }

// Start runs the backend and returns once it is ready, or with the end of its
// log in the error.
func (b *Backend) Start(ctx context.Context) error {
	if err := b.begin(); err != nil {
		return fmt.Errorf("starting %s: %w", b.name, err)
	}
	if err := b.awaitReady(ctx); err != nil {
		b.Stop()
		return fmt.Errorf("starting %s: %w\n%s", b.name, err, b.LogTail(3000))
	}
	return nil
}

// begin runs the process on a thread of its own: on Linux it ends with the
// thread that started it, so that it never outlives us.
func (b *Backend) begin() error {
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := exec.Command(b.binary, b.launch.args...)
	cmd.Env = append(os.Environ(), b.launch.env...)
	cmd.Dir = filepath.Dir(b.log)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = apart()
	started, ended := make(chan error, 1), make(chan struct{})
	go func() { // Stop waits for it
		defer close(ended)
		defer log.Close()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // how it ended shows in its log
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	b.process, b.ended = cmd.Process, ended
	return nil
}

func (b *Backend) awaitReady(ctx context.Context) error {
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(readyWithin)
	for {
		response, err := client.Get(b.launch.ready)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-b.ended:
			return errors.New("it ended; its log says why")
		case <-late:
			return fmt.Errorf("not ready after %v", readyWithin)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
