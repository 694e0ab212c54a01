package sse_test

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// A server of net/http, over the handler's own listener, so that the sockets
// of ended streams serve further requests.
func Example() {
	log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{MemoryBudget: 64 << 20})
	if err != nil {
		panic(err)
	}
	defer log.Close()
	events := &sse.Handler{Log: log}

	mux := http.NewServeMux()
	mux.Handle("/v1/events", events)
	run(events, mux, log)
	// Output:
	// stream.open
	// order.created: {"order":17}
	// the end: EOF
}

// Under Gin, with gin.WrapH. Middlewares may do what they do for other routes;
// a compression leaves the stream alone.
func Example_gin() {
	log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{MemoryBudget: 64 << 20})
	if err != nil {
		panic(err)
	}
	defer log.Close()
	events := &sse.Handler{Log: log}

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/v1/events", gin.WrapH(events))
	run(events, engine, log)
	// Output:
	// stream.open
	// order.created: {"order":17}
	// the end: EOF
}

// Under Echo, with echo.WrapHandler.
func Example_echo() {
	log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{MemoryBudget: 64 << 20})
	if err != nil {
		panic(err)
	}
	defer log.Close()
	events := &sse.Handler{Log: log}

	e := echo.New()
	e.GET("/v1/events", echo.WrapHandler(events))
	run(events, e, log)
	// Output:
	// stream.open
	// order.created: {"order":17}
	// the end: EOF
}

// run serves, follows a topic, publishes to it, and shuts down: first the
// streams, then the server.
func run(events *sse.Handler, routes http.Handler, log *eventlog.Log) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: routes}
	served := make(chan error)
	go func() { served <- server.Serve(events.Listener(listener)) }()

	answer, err := http.Get("http://" + listener.Addr().String() + "/v1/events?topic=orders")
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	stream := wire.NewDecoder(answer.Body)
	opened, err := stream.Next()
	if err != nil {
		panic(err)
	}
	fmt.Println(opened.Type)

	entry := eventlog.TextEntry("order.created", `{"order":17}`)
	if _, err := log.Append(context.Background(), "orders", entry); err != nil {
		panic(err)
	}
	event, err := stream.Next()
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: %s\n", event.Type, event.Data)

	ended := make(chan error)
	go func() { ended <- events.Shutdown(context.Background()) }()
	_, err = stream.Next()
	fmt.Println("the end:", err)
	<-ended
	_ = server.Shutdown(context.Background())
	<-served
}
