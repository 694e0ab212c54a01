package stacktest

import "testing"

// One stack for all: bringing it up takes minutes. What kills parts of it comes
// last.
func TestStack(t *testing.T) {
	needEngine(t)
	s := up(t)
	t.Run("an event through the edge", s.in(testEvent))
	t.Run("what containers may do", s.in(testPrivileges))
	t.Run("what the kernel refuses them", s.in(testRefusals))
	t.Run("Prometheus sees everybody", s.in(testTargets))
	t.Run("a newcomer's walk", s.in(testWalk))
	t.Run("under load", s.in(testLoad))
	t.Run("hub and edge killed", s.in(testKills))
	t.Run("TLS at the edge", s.in(testTLS))
	t.Run("a file for Alertmanager", s.in(testSecretFile))
	t.Run("the hub is stopped", s.in(testStop))
	t.Run("no panel is empty", s.in(testDashboards))
	t.Run("faults and their alerts", s.in(testDrills))
	t.Log("memory in use:\n" + must(t, "stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}"))
}

// in makes the stack report to a test of its own.
func (s *stack) in(f func(*testing.T, *stack)) func(*testing.T) {
	return func(t *testing.T) {
		own := *s
		own.t = t
		f(t, &own)
	}
}
