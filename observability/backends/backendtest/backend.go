package backendtest

import (
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/internal/local"
)

// A Backend is a running program. Its methods are for the test's goroutine.
type Backend struct {
	t     testing.TB
	local *local.Backend
}

func begin(t testing.TB, name string, options []Option) *Backend {
	t.Helper()
	s := local.Settings{Binary: Program(t, name), Data: t.TempDir(), Targets: map[string][]string{}}
	for _, o := range options {
		o(&s)
	}
	var err error
	if s.Config, err = local.ConfigFolder(); err != nil {
		t.Fatal(err)
	}
	started, err := local.Prepare(name, s)
	if err != nil {
		t.Fatal(err)
	}
	b := &Backend{t: t, local: started}
	t.Cleanup(func() {
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", name, started.LogTail(20_000))
		}
	})
	b.Start()
	return b
}

// Address returns host:port of one of the backend's ports.
func (b *Backend) Address(port string) string {
	b.t.Helper()
	address := b.local.Address(port)
	if address == "" {
		b.t.Fatalf("%s has no port %q", b.local.Name(), port)
	}
	return address
}

// URL returns http:// and the address of one of the backend's ports.
func (b *Backend) URL(port string) string {
	b.t.Helper()
	return "http://" + b.Address(port)
}

// Start runs a stopped backend again, on the same ports and data, until it is
// ready.
func (b *Backend) Start() {
	b.t.Helper()
	if err := b.local.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// Stop ends the backend in order.
func (b *Backend) Stop() {
	b.t.Helper()
	if err := b.local.Stop(); err != nil {
		b.t.Fatal(err)
	}
}

// Kill ends the backend as a power cut would.
func (b *Backend) Kill() { b.local.Kill() }
