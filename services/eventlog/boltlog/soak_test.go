package boltlog

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestSoak appends and trims at random, through trees of all shapes. What
// bbolt makes of it always passes for sound, and holds what it should.
func TestSoak(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 100
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	s, _ := committer(t, Options{
		Retention: eventlog.Retention{Events: 700, Bytes: 300_000, TotalBytes: 800_000},
		Keys:      eventlog.KeyOptions{Most: 900},
		OnDamage:  func(topic string, err error) { t.Error(topic, err) },
	})
	s.db.NoSync = true
	want := map[string][][]byte{}
	for round := range rounds {
		s.maxFreelist = rnd.IntN(2) * maxFreelist
		var rs []*request
		for range 1 + rnd.IntN(60) {
			topic := fmt.Sprintf("topic-%d", rnd.IntN(3)*rnd.IntN(20))
			body := bytes.Repeat([]byte{byte(round), byte(len(rs))}, 1<<rnd.IntN(11)/2+rnd.IntN(20))
			if rnd.IntN(300) == 0 {
				body = bytes.Repeat(body, 1+200_000/(1+len(body)))
			}
			want[topic] = append(want[topic], body)
			e := eventlog.Entry{Body: body}
			if rnd.IntN(2) == 0 {
				e.Idempotency = &eventlog.Idempotency{Key: [16]byte{byte(round), byte(round >> 8), byte(len(rs))}}
			}
			rs = append(rs, newRequest(topic, e))
		}
		s.commit(rs)
		for _, r := range rs {
			if err := <-r.answer; err != nil {
				t.Fatal(err)
			}
		}
		for rnd.IntN(4) == 0 && s.retain() {
		}
		if round%50 == 0 {
			checkSound(t, s)
		}
	}
	for s.retain() {
	}
	checkSound(t, s)
	for topic, bodies := range want {
		state := s.topics[topic].State
		bodies = bodies[len(bodies)-int(state.Events):]
		err := s.Read(context.Background(), topic, state.Trimmed, state.Last, func(e eventlog.Event) bool {
			if len(bodies) == 0 || !bytes.Equal(e.Body, bodies[0]) {
				t.Fatalf("%s: %v is not what was published", topic, e.ID)
			}
			bodies = bodies[1:]
			return true
		})
		if err != nil || len(bodies) > 0 {
			t.Errorf("%s: %v, %d events are missing", topic, err, len(bodies))
		}
	}
	if n := len(keysInFile(t, s)); n != 900 || s.keys.Stats().Remembered != 900 {
		t.Errorf("%d keys are in the file, %+v are remembered", n, s.keys.Stats())
	}
	if s.bytes > 800_000 {
		t.Errorf("%d bytes are left", s.bytes)
	}
}

// checkSound has both bbolt and the verifier look at everything.
func checkSound(t *testing.T, s *Store) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.view(func(v snapshot) error {
		all, err := v.verifier().survey(v.root.root)
		if err != nil {
			return err
		}
		var total int64
		for name, b := range all.topics {
			if err := v.verifier().all(b, each(wantRecord)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			total += all.states[name].Bytes
		}
		if err := v.verifier().all(*all.keys, func(leaf page) (bool, error) { return true, leaf.ofKeys() }); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		if total != s.bytes {
			t.Errorf("the topics have %d bytes, counted are %d", total, s.bytes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
