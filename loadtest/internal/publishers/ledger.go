package publishers

import "github.com/sluice-stream/sluice/loadtest/internal/account"

// A ledger is what is known of the lanes of one connection, by topic. It is
// owned by the connection's goroutine.
type ledger []account.Lane

// settle notes what became of events that were published together, whose numbers
// begin at one: those at the end that were not taken have their numbers again,
// and others in between are refused.
func (l ledger) settle(topic int, first uint32, taken []bool) {
	lane := &l[topic]
	end := len(taken)
	for end > 0 && !taken[end-1] {
		end--
	}
	for i, ok := range taken[:end] {
		if !ok {
			lane.Refused = append(lane.Refused, first+uint32(i))
		}
	}
	lane.Last = first + uint32(end) - 1
}
