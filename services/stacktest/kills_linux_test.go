package stacktest

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// A client that reads while hub and edge are killed and made anew has all
// events, in order, each once; so has one who publishes meanwhile.
func testKills(t *testing.T, s *stack) {
	const last = 1_000_000 // more than there will be
	url, token, topic := s.url("edge"), s.token(), "orders.kills"
	publisher, err := client.NewPublisher(client.PublisherOptions{URL: url, Token: always(token)})
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader := follow(ctx, url, token, topic, last)
	published := make(chan error, 1)
	go func() { published <- numbers(ctx, publisher, topic, 0, last) }()

	for _, blow := range []struct {
		name string
		fall func()
	}{
		{"the hub's process is killed, and Docker starts it again", func() { s.killProcess("hub") }},
		{"the hub's container is removed, and another one is made at another address", s.recreateHub},
		{"the edge's process is killed, and Docker starts it again", func() { s.killProcess("edge") }},
	} {
		reader.reached(t, reader.next.Load()+50)
		streams := reader.count.Load()
		blow.fall()
		reader.reached(t, reader.next.Load()+50)
		if reader.count.Load() == streams {
			t.Errorf("%s: the client was never cut off", blow.name)
		}
		t.Logf("%s: %d events so far", blow.name, reader.next.Load())
	}
	stop()
	if err := <-published; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-reader.ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// killProcess ends a service as the kernel does when memory is short, and waits
// for Docker to have started it again.
func (s *stack) killProcess(service string) {
	s.t.Helper()
	before := s.inspect(service)
	if err := syscall.Kill(before.State.Pid, syscall.SIGKILL); err != nil {
		s.t.Fatalf("killing %s: %v", service, err)
	}
	eventually(s.t, 2*time.Minute, service+" is back", s.well(service, before))
}

// recreateHub removes the hub's container, has another one take its address,
// and makes it anew.
func (s *stack) recreateHub() {
	s.t.Helper()
	before := s.inspect("hub")
	network := projectName + "_sluice"
	old := before.NetworkSettings.Networks[network].IPAddress
	s.must("rm", "--stop", "--force", "hub")
	squatter := must(s.t, "run", "--detach", "--rm", "--network", network, "--ip", old, ownImage, "--store", "memory")
	s.t.Cleanup(func() {
		if _, err := docker(context.Background(), nil, "kill", squatter); err != nil {
			s.t.Error(err)
		}
	})
	s.must("up", "--detach", "--no-deps", "--wait", "hub")
	after := s.inspect("hub")
	if now := after.NetworkSettings.Networks[network].IPAddress; after.ID == before.ID || now == old {
		s.t.Fatal(fmt.Errorf("the hub is container %.12s at %s, and was %.12s at %s", after.ID, now, before.ID, old))
	}
}

// A hub that is told to stop ends in order, with a stream open, before Docker
// loses its patience, and those on call are told that it was meant. What it had
// stored is there when it is started again.
func testStop(t *testing.T, s *stack) {
	url, token, topic := s.url("edge"), s.token(), "orders.stop"
	publisher, err := client.NewPublisher(client.PublisherOptions{URL: url, Token: always(token)})
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	if err := numbers(t.Context(), publisher, topic, 0, 0); err != nil {
		t.Fatal(err)
	}
	reader := follow(t.Context(), url, token, topic, 1)
	reader.reached(t, 1)
	s.must("stop", "hub")
	if c := s.inspect("hub"); c.State.ExitCode != 0 {
		t.Errorf("the hub's exit status is %d, want 0: it was killed in the middle of its drain", c.State.ExitCode)
	}
	s.fires(t, "HubDraining")
	s.must("up", "--detach", "--no-deps", "--wait", "hub")
	if err := numbers(t.Context(), publisher, topic, 1, 1); err != nil {
		t.Fatal(err)
	}
	reader.reached(t, 2)
}
