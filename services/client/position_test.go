package client

import (
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// Whatever ids a server sends: a position never goes back but by a gap, what
// is formatted is read as the same, and nothing panics.
func FuzzPosition(f *testing.F) {
	f.Add("a,b", "0", "a@1-0,b@2-0", "a@1-1,b@2-0 a@1-1,b@3-0 a@1-0,b@3-0 3-0 x b@9-0")
	f.Add("a", "5-0", "5-0", "6-0 6-0 4-0 0 $ 18446744073709551615-18446744073709551615 1-x")
	f.Add("a,b,c", "c@1-0", "b@1-0,a@0-0,c@5-0", "c@6-0,c@7-0 a@,b@1-0")
	f.Fuzz(func(t *testing.T, topics, start, opened, ids string) {
		names := strings.Split(topics, ",")
		p := newPosition(names, start)
		p.begin()
		p.opened(opened, nil)
		for id := range strings.SplitSeq(ids, " ") {
			before, text := make(map[string]wire.ID), p.text
			for _, one := range p.at {
				before[one.topic] = one.id
			}
			if _, repeated := p.moved(lastID{id, true}); repeated && p.text != text {
				t.Fatalf("%q was repeated and moved %q to %q", id, text, p.text)
			}
			if !p.hub {
				continue
			}
			for topic, was := range before {
				if now := find(p.at, topic); now == nil || now.id.Compare(was) < 0 {
					t.Fatalf("%q took %q back to %q", id, text, p.text)
				}
			}
		}
		if again, ok := parsePlaces(p.format(""), names); p.hub && ok {
			for _, one := range again {
				if at := find(p.at, one.topic); at == nil || at.id != one.id {
					t.Fatalf("%v was read as %v", p.at, again)
				}
			}
		} else if p.hub {
			t.Fatalf("%q cannot be read", p.format(""))
		}
	})
}
