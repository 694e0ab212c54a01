package stacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A container is what the engine says of one.
type container struct {
	ID           string `json:"Id"`
	RestartCount int
	State        struct {
		Pid       int
		ExitCode  int
		Status    string
		StartedAt string
		Health    *struct{ Status string }
	}
	Config     struct{ User, Image string }
	HostConfig struct {
		ReadonlyRootfs, Privileged bool
		CapAdd, CapDrop            []string
		SecurityOpt                []string
		Memory, NanoCpus           int64
		PidsLimit                  *int64
		PortBindings               map[string][]struct{ HostIp, HostPort string }
	}
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
	}
}

// inspect returns a service's container.
func (s *stack) inspect(service string) container {
	s.t.Helper()
	c, err := s.look(service)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stack) look(service string) (container, error) {
	id, err := s.compose(s.t.Context(), "ps", "--all", "--quiet", service)
	if err != nil {
		return container{}, err
	}
	out, err := docker(s.t.Context(), nil, "inspect", strings.TrimSpace(id))
	if err != nil {
		return container{}, err
	}
	var all []container
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		return container{}, fmt.Errorf("docker inspect of %s: %d containers, %w", service, len(all), err)
	}
	return all[0], nil
}

// well wants a container to be healthy, and another one or another start than
// before.
func (s *stack) well(service string, before container) func() error {
	return func() error {
		now, err := s.look(service)
		if err != nil {
			return err
		}
		if now.ID == before.ID && now.State.StartedAt == before.State.StartedAt {
			return errors.New("it was not started again")
		}
		if now.State.Health == nil || now.State.Health.Status != "healthy" {
			return fmt.Errorf("it is %s, %+v", now.State.Status, now.State.Health)
		}
		return nil
	}
}
