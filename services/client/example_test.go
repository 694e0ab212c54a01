package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-stream/sluice/services/client"
)

// Publish two events, and read them from the beginning of the topic.
func Example() {
	hub := exampleHub() // in the place of a real one
	defer hub.Close()
	ctx := context.Background()

	publisher, err := client.NewPublisher(client.PublisherOptions{URL: hub.URL})
	if err != nil {
		panic(err)
	}
	defer publisher.Close()
	for _, data := range []string{`{"order":17}`, `{"order":18}`} {
		if _, err := publisher.Publish(ctx, "orders", client.Message{Type: "order.created", Data: data}); err != nil {
			panic(err)
		}
	}

	subscription := client.Subscribe(ctx, client.Options{URL: hub.URL, Topics: []string{"orders"}, LastEventID: "0"})
	for event, err := range subscription {
		if err != nil {
			fmt.Println("over for good:", err)
			break
		}
		fmt.Println(event.Topic, event.Type, event.Data)
		if event.Data == `{"order":18}` {
			break
		}
	}
	// Output:
	// orders order.created {"order":17}
	// orders order.created {"order":18}
}

// A program that is started again goes on behind the last event that it took.
// That is the one before the event at which it left the loop.
func ExampleFile() {
	hub := exampleHub("one", "two", "three", "four")
	defer hub.Close()
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)

	for run := range 2 {
		subscription := client.Subscribe(context.Background(), client.Options{
			URL:         hub.URL,
			Topics:      []string{"orders"},
			LastEventID: "0", // for the first time
			Positions:   client.File(filepath.Join(folder, "orders.position")),
		})
		taken := 0
		for event, err := range subscription {
			if err != nil {
				panic(err)
			}
			if taken == 2 {
				fmt.Printf("run %d stops at %s\n", run+1, event.Data)
				break
			}
			taken++
			fmt.Printf("run %d took %s\n", run+1, event.Data)
			if event.Data == "four" {
				return
			}
		}
	}
	// Output:
	// run 1 took one
	// run 1 took two
	// run 1 stops at three
	// run 2 took three
	// run 2 took four
}

// What is missing is told in its place; what a subscription goes through is
// told to OnState.
func ExampleSubscribe_gaps() {
	hub := exampleHub("one", "two")
	defer hub.Close()

	subscription := client.Subscribe(context.Background(), client.Options{
		URL:         hub.URL,
		Topics:      []string{"orders"},
		LastEventID: "99999999999999-0", // of a log that was lost
		OnState:     func(s client.State) { fmt.Println("-", s.Phase) },
	})
	for event, err := range subscription {
		if err != nil {
			panic(err)
		}
		if event.Gap != nil {
			fmt.Println("events are missing:", event.Gap.Reason)
			break
		}
	}
	// Output:
	// - connecting
	// - open
	// - live
	// - gap
	// events are missing: ahead
	// - closed
}

// A refusal for good ends the loop, and says why.
func ExampleRejectedError() {
	hub := exampleHub()
	defer hub.Close()

	for _, err := range client.Subscribe(context.Background(), client.Options{URL: hub.URL, Topics: []string{".hidden"}}) {
		var rejected *client.RejectedError
		if errors.As(err, &rejected) {
			fmt.Println(rejected.Status, rejected.Permanent)
		}
	}
	// Output:
	// 400 true
}

// Many events go in few requests. One that is refused spoils no other.
func ExamplePublisher_PublishBatch() {
	hub := exampleHub()
	defer hub.Close()
	publisher, err := client.NewPublisher(client.PublisherOptions{URL: hub.URL})
	if err != nil {
		panic(err)
	}
	defer publisher.Close()

	results, err := publisher.PublishBatch(context.Background(), "orders", []client.Message{
		{Type: "order.created", Key: "17", Data: `{"order":17}`},
		{Type: "order.created", Key: "18", Data: "not \xff UTF-8"},
	})
	fmt.Println("failed:", err != nil)
	for _, r := range results {
		fmt.Println(r.ID != "", r.Err != nil)
	}
	// Output:
	// failed: true
	// true false
	// false true
}
