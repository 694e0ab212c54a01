package subscribe

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// maxPongBytes has room for the longest id of as many topics as a connection
// may have.
const maxPongBytes = 16 << 10

// pongBody is the body of a pong. Its ts, which is the hub's own, says nothing
// that the hub does not know.
type pongBody struct {
	Seq         *uint64 `json:"seq"`
	LastEventID string  `json:"last_event_id"`
}

// Pong answers POST /v1/connections/:id/pong.
func (s *Streams) Pong(c *gin.Context) {
	w, r := c.Writer, c.Request
	if r.ProtoMajor == 1 && !wantsKeepAlive(r.Header) {
		// Idle sockets for the next pong would cost more than the streams.
		w.Header().Set("Connection", "close")
	}
	bodies := s.Front.Bodies
	buf := bodies.Buffer()
	defer bodies.Release(buf)
	subject, why := s.Front.Subject(r)
	if why == nil {
		why = bodies.Read(w, r, buf, front.Bound{Bytes: maxPongBytes, Problem: "pong-too-large", What: "a pong"})
	}
	var p sse.Pong
	if why == nil {
		p, why = parsePong(buf.Data)
	}
	if why == nil {
		why = pongRejection(s.Handler.Pong(c.Param("id"), subject, p))
	}
	if why != nil {
		front.Reject(w, r, why)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// wantsKeepAlive reports whether a request asks for it in so many words.
func wantsKeepAlive(header http.Header) bool {
	for _, field := range header["Connection"] {
		for token := range strings.SplitSeq(field, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "keep-alive") {
				return true
			}
		}
	}
	return false
}

func parsePong(body []byte) (sse.Pong, *sse.Rejection) {
	var b pongBody
	if err := json.Unmarshal(body, &b); err != nil || b.Seq == nil {
		return sse.Pong{}, invalidPong(`a pong is {"seq":…,"ts":…,"last_event_id":"…"} with the numbers of the stream.ping, and the last may be left out`)
	}
	return sse.Pong{Seq: *b.Seq, LastEventID: b.LastEventID}, nil
}

func invalidPong(detail string) *sse.Rejection {
	return &sse.Rejection{Status: http.StatusBadRequest, Type: "invalid-pong", Title: "Invalid pong", Detail: detail}
}

// pongRejection maps what the streams answer to what the caller is told.
func pongRejection(err error) *sse.Rejection {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sse.ErrNoConnection):
		return front.NoConnection()
	case errors.Is(err, sse.ErrForeign):
		return &sse.Rejection{Status: http.StatusForbidden, Type: "foreign-connection", Title: "Not your connection",
			Detail: "a pong comes from the one whose stream it is"}
	case errors.Is(err, sse.ErrStalePong):
		return &sse.Rejection{Status: http.StatusConflict, Type: "stale-pong", Title: "Stale pong",
			Detail: "only the latest stream.ping can be answered"}
	}
	return invalidPong(err.Error()) // sse.ErrBadPong
}
