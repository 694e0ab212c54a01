package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"
)

// Subscribe returns the events of the topics, from the position that the
// options name and without an end: whatever breaks is mended meanwhile. The
// only error is the last value, and says why it is over for good: the context
// has ended (its cause), or the server wants no more of it ([RejectedError]).
//
// An event counts as taken when the loop asks for the next one. One at which
// the loop is left, by break, return or a panic, comes again when its position
// was kept.
//
// Each loop over the returned sequence is a subscription of its own. When it
// is over, nothing of it runs any more.
func Subscribe(ctx context.Context, options Options) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		o, err := options.withDefaults()
		if err != nil {
			yield(Event{}, err)
			return
		}
		s := newSubscription(ctx, o, yield)
		if err := s.run(); !errors.Is(err, errLeft) {
			yield(Event{}, err)
		}
	}
}

// errLeft: the caller has left the loop.
var errLeft = errors.New("left")

// subscription is one loop. All of it is owned by the loop's goroutine, but
// for what is said.
type subscription struct {
	Options
	ctx   context.Context
	yield func(Event, error) bool
	http  *http.Client
	own   *http.Transport // nil: the client is the caller's
	pool  *pool

	backoff      backoff
	degraded     bool
	opens        int
	token        string         // the last one, to see whether it is another
	unauthorized *RejectedError // why a fresh one is to be tried, at once
	connection   string         // the server's name of the one that is open

	position *position
	behind   []place // heads at the handshake that are not reached yet
	taken    string  // the position after the last event that was taken
	acked    atomic.Pointer[string]
	saver    saver
}

func newSubscription(ctx context.Context, o Options, yield func(Event, error) bool) *subscription {
	s := &subscription{Options: o, ctx: ctx, yield: yield,
		backoff: backoff{base: firstWait, longest: longestWait, degradedAfter: degradedAfter}}
	if o.HTTP != nil {
		c := *o.HTTP
		c.Timeout = 0 // it would end streams
		s.http = &c
	} else {
		s.own = newTransport(o.Spare)
		s.http = &http.Client{Transport: s.own}
	}
	s.pool = newPool(s.http, &s.Options)
	s.saver = saver{positions: o.Positions, every: o.SaveEvery, report: s.report}
	return s
}

// run is the whole subscription. It returns why it is over.
func (s *subscription) run() (err error) {
	defer func() {
		err = s.end(err)
	}()
	start, err := s.saver.load(s.ctx)
	if err != nil {
		return fmt.Errorf("client: load the position: %w", err)
	}
	if start == "" {
		start = s.LastEventID
	}
	s.position, s.taken = newPosition(s.Topics, start), start
	for {
		s.report(State{Phase: Connecting, Failures: s.backoff.failures})
		r := s.attempt()
		switch {
		case errors.Is(r.err, errLeft):
			return r.err
		case s.ctx.Err() != nil:
			return context.Cause(s.ctx)
		case r.fatal:
			return r.err
		case r.again:
			continue
		}
		_ = s.saver.save(s.ctx, s.taken) // it was reported, and is tried again
		if !s.pause(r) {
			return context.Cause(s.ctx)
		}
	}
}

// pause waits between two attempts.
func (s *subscription) pause(r result) bool {
	s.unauthorized = nil
	if !r.opened {
		s.backoff.failed()
	}
	if s.backoff.degraded() && !s.degraded {
		s.degraded = true
		s.report(State{Phase: Degraded, Failures: s.backoff.failures, Err: r.err})
	}
	wait := s.backoff.wait(r.floor)
	if r.exactly {
		wait = r.floor
	}
	s.report(State{Phase: Waiting, Failures: s.backoff.failures, Wait: wait, Err: r.err})
	return sleep(s.ctx, wait)
}

// end is called however the loop has ended.
func (s *subscription) end(err error) error {
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), lastSaveTimeout)
	defer cancel()
	if unsaved := s.saver.save(ctx, s.taken); unsaved != nil && !errors.Is(err, errLeft) {
		err = errors.Join(err, unsaved)
	}
	closed := State{Phase: Closed, Err: err}
	if errors.Is(err, errLeft) {
		closed.Err = nil
	}
	s.report(closed)
	return err
}

func (s *subscription) report(state State) {
	state.Connection = s.connection
	s.OnState(state)
}

// took notes that the loop has asked for what follows an id.
func (s *subscription) took(id string) {
	s.taken = id
	s.acked.Store(&id)
	s.saver.moved(s.ctx, id)
	s.reached()
}

// reached reports the subscription as live once the loop has taken all that
// there was at the handshake.
func (s *subscription) reached() {
	if len(s.behind) == 0 {
		return
	}
	rest := s.behind[:0]
	for _, head := range s.behind {
		if at := find(s.position.at, head.topic); at == nil || at.id.Less(head.id) {
			rest = append(rest, head)
		}
	}
	if s.behind = rest; len(rest) == 0 {
		s.report(State{Phase: Live})
	}
}
