package stacktest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// With hundreds of streams and thousands of events through the edge, nothing
// that the hub asks of the kernel is refused: everybody gets everything, and no
// container was started again.
func testLoad(t *testing.T, s *stack) {
	const streams, events = 300, 2000
	before := s.inspect("hub")
	url, token := s.url("edge"), s.token()
	publisher, err := client.NewPublisher(client.PublisherOptions{URL: url, Token: always(token)})
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	var followers []*follower
	for range streams {
		followers = append(followers, follow(t.Context(), url, token, "stress.load", events-1))
	}
	// Half of it comes as it is published, the rest is read from the store too.
	if err := numbers(t.Context(), publisher, "stress.load", 0, events-1); err != nil {
		t.Fatal(err)
	}
	late := time.After(3 * time.Minute)
	for i, f := range followers {
		select {
		case err := <-f.ended:
			if err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
		case <-late:
			t.Fatalf("stream %d has %d of %d events after 3 minutes", i, f.next.Load(), events)
		}
	}
	// Timers that interrupt, which a profile takes.
	if out := s.must("exec", "-T", "hub", "/hub", "admin", "GET", "/debug/pprof/profile?seconds=1"); len(out) < 100 {
		t.Errorf("a profile of %d bytes", len(out))
	}
	for _, name := range s.names() {
		if c := s.inspect(name); c.RestartCount > 0 || c.State.Health != nil && c.State.Health.Status != "healthy" {
			t.Errorf("%s was started again %d times, health %+v", name, c.RestartCount, c.State.Health)
		}
	}
	if after := s.inspect("hub"); after.State.StartedAt != before.State.StartedAt {
		t.Errorf("the hub started at %s and again at %s", before.State.StartedAt, after.State.StartedAt)
	}
	t.Logf("%d streams had %d events each", streams, events)
	t.Log(fmt.Sprintf("memory under load: %s", must(t, "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", before.ID)))
}
