package health

import (
	"net/http"
	"strconv"
	"strings"
)

// Asked reports whether a request is a health probe.
func Asked(r *http.Request) bool {
	asked := r.Header["X-Heartbeat"]
	return len(asked) > 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.EqualFold(asked[0], "true")
}

// scores are the values of the answer's header.
var (
	scoreTexts  = texts()
	emptyLength = []string{"0"}
	notKept     = []string{"no-store"}
)

func texts() (all [101][]string) {
	for i := range all {
		all[i] = []string{strconv.Itoa(i)}
	}
	return all
}

// Answer answers a health probe and returns the score.
func (m *Monitor) Answer(w http.ResponseWriter, r *http.Request) int {
	score := m.Score(r)
	h := w.Header()
	h["X-Health-Score"] = scoreTexts[score]
	h["Cache-Control"] = notKept
	h["Content-Length"] = emptyLength
	w.WriteHeader(http.StatusOK)
	return score
}
