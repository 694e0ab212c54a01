package admin

import (
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// topicList is a page of the topics that exist, by name.
type topicList struct {
	Topics []topicEntry `json:"topics"`
	Total  int          `json:"total"`          // on all pages
	Next   string       `json:"next,omitempty"` // the after of the next page
}

// topicEntry is one topic. Positions are empty where there is none.
type topicEntry struct {
	Topic    string `json:"topic"`
	Class    string `json:"class"`
	Events   int64  `json:"events"` // that are kept
	Bytes    int64  `json:"bytes"`  // of their bodies
	Oldest   string `json:"oldest"`
	Head     string `json:"head"`
	Trimmed  string `json:"trimmed"`   // everything at or below is gone
	HotBytes int64  `json:"hot_bytes"` // memory of the newest
}

// Pages of lists.
const (
	defaultPage = 100
	largestPage = 1000
)

// listTopics answers GET /v1/topics.
func (a *handler) listTopics(c *gin.Context) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		front.Reject(c.Writer, c.Request, front.MalformedQuery())
		return
	}
	limit, why := pageLimit(query)
	if why != nil {
		front.Reject(c.Writer, c.Request, why)
		return
	}
	writeJSON(c.Writer, 200, a.topicPage(query.Get("prefix"), query.Get("after"), limit))
}

// pageLimit returns how many entries a caller wants.
func pageLimit(query url.Values) (int, *sse.Rejection) {
	text := query.Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > largestPage {
		return 0, front.InvalidQuery(fmt.Sprintf("limit must be a number from 1 to %d", largestPage))
	}
	return limit, nil
}

// topicPage returns at most limit topics with a prefix that come after a name.
func (a *handler) topicPage(prefix, after string, limit int) topicList {
	all := a.Log.Topics()
	all = all[sort.Search(len(all), func(i int) bool { return all[i].Name >= prefix }):]
	all = all[:sort.Search(len(all), func(i int) bool { return !strings.HasPrefix(all[i].Name, prefix) })]
	page := topicList{Topics: []topicEntry{}, Total: len(all)}
	all = all[sort.Search(len(all), func(i int) bool { return all[i].Name > after }):]
	if len(all) > limit {
		all = all[:limit]
		page.Next = all[limit-1].Name
	}
	for _, t := range all {
		page.Topics = append(page.Topics, topicEntry{
			Topic: t.Name, Class: a.Settings.TopicClasses.Class(t.Name),
			Events: t.State.Events, Bytes: t.State.Bytes, HotBytes: t.HotBytes,
			Oldest: position(t.State.Oldest), Head: position(t.State.Last), Trimmed: position(t.State.Trimmed),
		})
	}
	return page
}

// position writes an id, or nothing where there is none.
func position(id eventlog.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
