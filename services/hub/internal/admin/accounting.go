package admin

import (
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/hub/internal/figures"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
)

// accounting is what became of all events since the hub started.
type accounting struct {
	Since   time.Time `json:"since"`
	Classes []account `json:"classes"`
	Total   account   `json:"total"`
}

// account is that of a class of topics. due = delivered + told + left + behind +
// lost, each event once for every stream that was to have it.
type account struct {
	Class     string `json:"class,omitempty"`
	Topics    int    `json:"topics"`   // that are known
	Streams   int    `json:"streams"`  // that follow them now, once for each topic
	Accepted  uint64 `json:"accepted"` // events that were published
	Due       uint64 `json:"due"`
	Delivered uint64 `json:"delivered"` // handed to the stream's socket
	Told      uint64 `json:"told"`      // gone, and the stream was told so
	Left      uint64 `json:"left"`      // were still to come when the stream ended
	Behind    uint64 `json:"behind"`    // are still to come
	Lost      uint64 `json:"lost"`      // passed over without a word
}

func accountOf(a *figures.Account) account {
	return account{a.Class, a.Topics, a.Streams, a.Accepted, a.Due(), a.Delivered, a.Told, a.Left, a.Behind, a.Lost}
}

// account answers GET /v1/accounting.
func (a *handler) account(c *gin.Context) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		front.Reject(c.Writer, c.Request, front.MalformedQuery())
		return
	}
	var total figures.Account
	answer := accounting{Since: a.Began.UTC(), Classes: []account{}}
	for _, one := range a.Accounts(query.Get("prefix")) {
		answer.Classes = append(answer.Classes, accountOf(&one))
		total.Add(&one)
	}
	answer.Total = accountOf(&total)
	writeJSON(c.Writer, 200, answer)
}
