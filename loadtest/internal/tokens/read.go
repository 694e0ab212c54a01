package tokens

import (
	"context"
	"encoding/json"

	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/times"
	"github.com/sluice-stream/sluice/services/client"
)

// reading is what a reader has of an answer.
type reading struct {
	text   strings.Builder
	tokens int
	id     string // of the last event
	ended  bool
}

// read reads an answer to its end, through cuts: all readers are cut off now and
// then and resume behind their last event; the second reloads, which is that it
// has nothing and begins at the beginning.
func (a *answer) read(ctx context.Context, reader int) {
	l := a.load
	random := rand.New(rand.NewPCG(uint64(l.o.Run), uint64(reader)<<32|rand.Uint64N(1<<32)))
	late, cancel := context.WithDeadline(ctx, a.began.Add(l.o.For+l.o.Each+l.o.Patience))
	defer cancel()
	got := &reading{id: "0"}
	for !got.ended && late.Err() == nil {
		// Until when it is read without a cut.
		piece, cut := context.WithTimeout(late, l.o.For/8+time.Duration(random.Int64N(int64(l.o.For/3)+1)))
		a.follow(piece, got)
		cut()
		if !got.ended && reader == 1 {
			*got = reading{id: "0"}
		}
	}
	a.judge(got, reader)
}

// follow reads behind the last event until the answer, or ctx, ends.
func (a *answer) follow(ctx context.Context, got *reading) {
	l := a.load
	l.count(func() { l.open++; l.streams.Connects++ })
	defer l.count(func() { l.open-- })
	began := time.Now()
	for event, err := range l.o.Hub.Subscribe(ctx, client.Options{Topics: []string{a.topic}, LastEventID: got.id}) {
		if err != nil {
			return // ctx has ended; or it is refused, and will be once more
		}
		if event.Gap != nil {
			l.count(func() { l.streams.Gaps++ })
			continue
		}
		got.id = event.ID
		if event.Type == "end" {
			got.ended = true
			return
		}
		a.take(event, got, began)
	}
}

// take takes a token up. Its time counts where it came while it was waited for.
func (a *answer) take(event client.Event, got *reading, began time.Time) {
	var t token
	if err := json.Unmarshal([]byte(event.Data), &t); err != nil {
		a.load.count(func() { a.load.streams.Damaged++ })
		return
	}
	got.text.WriteString(t.Text)
	got.tokens++
	at, now := time.Unix(0, t.At), time.Now()
	a.load.count(func() {
		a.load.streams.Delivered++
		if at.After(began) {
			times.Note(a.load.token, int64(now.Sub(at)))
			if got.tokens == 1 {
				times.Note(a.load.first, int64(now.Sub(at)))
			}
		}
	})
}

// judge holds what a reader has against what was written.
func (a *answer) judge(got *reading, reader int) {
	l := a.load
	<-a.written
	at := differs(got.text.String(), a.text)
	l.count(func() {
		l.totals.Due += uint64(len(a.tokens))
		l.totals.Delivered += uint64(min(got.tokens, len(a.tokens)))
		switch {
		case at < 0:
		case !got.ended:
			l.totals.Behind += uint64(max(len(a.tokens)-got.tokens, 0))
		default:
			l.totals.Lost += uint64(max(len(a.tokens)-got.tokens, 0))
		}
		if at >= 0 && len(l.faults) < 10 {
			l.faults = append(l.faults, fmt.Sprintf("reader %d of %s: its text differs from byte %d on (%d of %d bytes)", reader, a.topic, at, got.text.Len(), len(a.text)))
		}
	})
}
