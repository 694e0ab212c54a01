package sse

import (
	"testing"

	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// TestSameWords: what the packages below say is what this one documents.
func TestSameWords(t *testing.T) {
	for below, here := range map[stream.Reason]Reason{
		stream.Client: ReasonClient, stream.WriteTimeout: ReasonWriteTimeout, stream.PongTimeout: ReasonPongTimeout, stream.TokenExpired: ReasonTokenExpired,
		stream.Drain: ReasonDrain, stream.Admin: ReasonAdmin, stream.Memory: ReasonMemory, stream.Error: ReasonError,
	} {
		if string(below) != string(here) {
			t.Errorf("the reason %s is called %s below", here, below)
		}
	}
	for below, here := range map[heartbeat.Health]Health{heartbeat.Healthy: Healthy, heartbeat.Degraded: Degraded, heartbeat.Dead: Dead} {
		if string(below) != string(here) {
			t.Errorf("the health %s is called %s below", here, below)
		}
	}
	if stream.SamplesPerSecond != SamplesPerSecond {
		t.Errorf("%d samples a second are taken", stream.SamplesPerSecond)
	}
}
