package nginx

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Status is what nginx counts by itself: its clients' connections.
type Status struct {
	Accepted, Handled         uint64 // since the start; the rest was refused
	Reading, Writing, Waiting int
}

// Statuses asks nginx at its socket.
type Statuses struct{ client *http.Client }

// NewStatuses returns who asks at a socket.
func NewStatuses(socket string) *Statuses {
	return &Statuses{&http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
		MaxIdleConns: 1, IdleConnTimeout: 20 * time.Second,
	}}}
}

// Get asks.
func (s *Statuses) Get() (Status, error) {
	answer, err := s.client.Get("http://nginx/")
	if err != nil {
		return Status{}, fmt.Errorf("asking nginx for its status: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return Status{}, fmt.Errorf("asking nginx for its status: %w", err)
	}
	return parseStatus(string(text))
}

func parseStatus(text string) (s Status, err error) {
	var active, requests uint64
	_, err = fmt.Sscanf(text, "Active connections: %d \nserver accepts handled requests\n %d %d %d \nReading: %d Writing: %d Waiting: %d",
		&active, &s.Accepted, &s.Handled, &requests, &s.Reading, &s.Writing, &s.Waiting)
	if err != nil {
		return s, fmt.Errorf("nginx's status is %q: %w", text, err)
	}
	return s, nil
}

// Close lets go of the connection.
func (s *Statuses) Close() { s.client.CloseIdleConnections() }
