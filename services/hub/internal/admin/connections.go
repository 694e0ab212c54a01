package admin

import (
	"cmp"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// connectionList is the open streams, the furthest behind first.
type connectionList struct {
	Connections []connectionEntry `json:"connections"`
	Total       int               `json:"total"` // that are open, whether listed or not
}

// connectionEntry is one open stream.
type connectionEntry struct {
	ID        string    `json:"id"`
	Remote    string    `json:"remote"`
	Release   string    `json:"release"`
	ClientID  string    `json:"client_id,omitempty"`
	TraceID   string    `json:"trace_id"`
	Opened    time.Time `json:"opened"`
	AgeMS     int64     `json:"age_ms"`
	Topics    []string  `json:"topics"`
	Position  string    `json:"position"` // what it has been sent, as its ids have it
	Behind    behind    `json:"behind"`
	StalledMS int64     `json:"stalled_ms"` // for how long its socket has taken nothing
	Health    string    `json:"health"`     // whether its client answers pings; "unknown" where it is sent none
	// RTTMS is from the last ping that was answered to its pong, SocketRTTMS
	// what the kernel has measured for its socket.
	RTTMS       float64 `json:"rtt_ms,omitempty"`
	SocketRTTMS float64 `json:"socket_rtt_ms,omitempty"`
	Score       int     `json:"score"` // of its health, from 0 to 100
	Sent        sent    `json:"sent"`
}

// behind is how far a stream is behind the heads of its topics. With more,
// there are further events that are in the store only.
type behind struct {
	Events int   `json:"events"`
	Bytes  int64 `json:"bytes"`
	More   bool  `json:"more"`
	AgeMS  int64 `json:"age_ms"` // of the first event that it lacks
}

type sent struct {
	Events uint64 `json:"events"`
	Bytes  uint64 `json:"bytes"`
}

// listConnections answers GET /v1/connections.
func (a *handler) listConnections(c *gin.Context) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		front.Reject(c.Writer, c.Request, front.MalformedQuery())
		return
	}
	limit, why := pageLimit(query)
	topic := query.Get("topic")
	if why == nil && topic != "" && !wire.ValidTopic(topic) {
		why = front.InvalidTopic()
	}
	if why != nil {
		front.Reject(c.Writer, c.Request, why)
		return
	}
	states, total := a.Streams.Connections(topic, limit)
	list := connectionList{Connections: make([]connectionEntry, len(states)), Total: total}
	for i := range states {
		list.Connections[i] = entryOf(&states[i])
		list.Connections[i].Score = a.Health.ScoreStream(states[i].Remote, a.Front.TLS(), states[i].SocketRTT)
	}
	writeJSON(c.Writer, 200, list)
}

func entryOf(s *sse.ConnState) connectionEntry {
	return connectionEntry{
		ID: s.ID, Remote: s.Remote, Release: s.Release, ClientID: s.Client, TraceID: s.Trace.String(),
		Opened: s.Opened, AgeMS: time.Since(s.Opened).Milliseconds(),
		Topics: s.Topics, Position: s.Position,
		Behind:    behind{s.Lag.Events, s.Lag.Bytes, s.Lag.More, s.Lag.Age.Milliseconds()},
		StalledMS: s.Stalled.Milliseconds(),
		Health:    cmp.Or(string(s.Health), "unknown"),
		RTTMS:     front.Milliseconds(s.RTT), SocketRTTMS: front.Milliseconds(s.SocketRTT),
		Sent: sent{s.Sent.Events, s.Sent.Bytes},
	}
}
