package report

import (
	"strings"

	"github.com/sluice-stream/sluice/observability"
)

// The routes of the hub's public listener, as its own metrics name them.
const (
	streamRoute  = "/v1/events"
	publishRoute = "/v1/topics/:topic/events"
	pongRoute    = "/v1/connections/:id/pong"
	pageRoute    = "/"
)

// usual are the answers that are usual, so that their figures are there before
// they are needed.
var usual = []observability.Route{
	{Method: "GET", Path: streamRoute, Statuses: []int{200, 400, 401, 403, 429, 502, 503, 504}},
	{Method: "POST", Path: publishRoute, Statuses: []int{200, 201, 400, 401, 403, 413, 429, 500, 502, 503, 504}},
	{Method: "POST", Path: pongRoute, Statuses: []int{204, 502, 504}},
	{Method: "GET", Path: pageRoute, Statuses: []int{200, 502}},
	{Method: "GET", Path: observability.OtherRoute, Statuses: []int{200, 400, 404, 502}},
}

// routeOf returns the template of a path.
func routeOf(path string) string {
	switch path {
	case streamRoute, pageRoute:
		return path
	}
	for _, r := range []struct{ before, after, route string }{
		{"/v1/topics/", "/events", publishRoute},
		{"/v1/connections/", "/pong", pongRoute},
	} {
		rest, ok := strings.CutPrefix(path, r.before)
		name, ok2 := strings.CutSuffix(rest, r.after)
		if ok && ok2 && name != "" && !strings.Contains(name, "/") {
			return r.route
		}
	}
	return observability.OtherRoute
}
