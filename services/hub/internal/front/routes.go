package front

import "github.com/sluice-stream/sluice/observability"

// The routes of clients.
const (
	StreamPath  = "/v1/events"
	PublishPath = "/v1/topics/:topic/events"
	PongPath    = "/v1/connections/:id/pong"
)

// Routes are what the listeners answer, with the statuses that are usual, so
// that their figures are there before they are needed.
func Routes() []observability.Route {
	return []observability.Route{
		{Method: "GET", Path: StreamPath, Statuses: []int{200, 400, 401, 403, 429, 503, 504}},
		{Method: "POST", Path: PublishPath, Statuses: []int{200, 201, 400, 401, 403, 413, 415, 422, 429, 500, 503, 504}},
		{Method: "POST", Path: PongPath, Statuses: []int{204, 400, 403, 404, 409}},
		{Method: "GET", Path: "/", Statuses: []int{200}},
		{Method: "GET", Path: observability.OtherRoute, Statuses: []int{200, 403, 404}},
		{Method: "GET", Path: "/healthz", Statuses: []int{200}},
		{Method: "GET", Path: "/readyz", Statuses: []int{200, 503}},
		{Method: "GET", Path: "/metrics", Statuses: []int{200}},
		{Method: "GET", Path: "/v1/accounting", Statuses: []int{200}},
		{Method: "GET", Path: "/v1/topics", Statuses: []int{200}},
		{Method: "GET", Path: "/v1/connections", Statuses: []int{200}},
		{Method: "DELETE", Path: "/v1/connections/:id", Statuses: []int{204, 404}},
		{Method: "POST", Path: "/v1/drain", Statuses: []int{202}},
	}
}
