package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/logging"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
	"github.com/sluice-stream/sluice/services/client"
)

// publishTime is how long a publish may take.
const publishTime = 10 * time.Second

// publish publishes one event, as part of a trace of its own.
func (d *demo) publish(ctx context.Context, topic string, m client.Message) (client.Receipt, error) {
	limited, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	trace, began := target.NewTrace(d.ratio), time.Now()
	receipt, err := d.publisher.Publish(target.WithTrace(limited, trace), topic, m)
	if ctx.Err() == nil { // else it is the demo's own end
		d.tell(trace, "sse_publish", "published", err, "topic", topic, "id", receipt.ID, "duration_ms", logging.Milliseconds(time.Since(began)))
	}
	return receipt, in(trace, err)
}

// wares are what the shop tells of: a topic with its part of all events.
var wares = []struct {
	topic, typ string
	part       float64
	data       func(n int) string
}{
	{"orders.eu", "order.created", 0.35, order},
	{"orders.us", "order.created", 0.25, order},
	{"payments.card", "payment.authorized", 0.25, func(n int) string {
		return fmt.Sprintf(`{"order":%d,"amount":%d.90,"method":"card"}`, n, 10+rand.IntN(900))
	}},
	{"chat.lobby", "", 0.15, func(n int) string { return fmt.Sprintf("visitor %d: is article %d there?", n%97, rand.IntN(5000)) }},
}

func order(n int) string {
	return fmt.Sprintf(`{"order":%d,"customer":"c-%d","lines":[{"sku":"A-%d","quantity":%d}]}`, n, rand.IntN(500), rand.IntN(90), 1+rand.IntN(3))
}

// publishers publish for each topic at its part of the rate.
func (d *demo) publishers() []actor {
	var all []actor
	for _, w := range wares {
		n := int(time.Now().Unix() % 1_000_000) // orders go on where an earlier demo left them, more or less
		all = append(all, actor{time.Duration(float64(time.Second) / (d.rate * w.part)), func(ctx context.Context) error {
			n++
			_, err := d.publish(ctx, w.topic, client.Message{Type: w.typ, Key: fmt.Sprintf("k%d", n%50), Data: w.data(n)})
			return err
		}})
	}
	return all
}

// badPublishers repeat themselves and say what the hub refuses.
func (d *demo) badPublishers() []actor {
	n := 0
	return []actor{
		{4 * time.Second, func(ctx context.Context) error { // a type that is the hub's own
			_, err := d.publish(ctx, "orders.eu", client.Message{Type: "stream.fake", Data: "x"})
			return wanted(err, http.StatusBadRequest)
		}},
		{5 * time.Second, func(ctx context.Context) error { // an answer that got lost, and the same key for another event
			n++
			r, err := d.publish(ctx, "payments.card", client.Message{Data: "once"})
			if err != nil {
				return err
			}
			if _, err = d.publish(ctx, "payments.card", client.Message{Data: "once", IdempotencyKey: r.IdempotencyKey}); err != nil || n%4 > 0 {
				return err
			}
			_, err = d.publish(ctx, "payments.card", client.Message{Data: "other", IdempotencyKey: r.IdempotencyKey})
			return wanted(err, http.StatusUnprocessableEntity)
		}},
	}
}

// wanted is nil where err is the refusal that was asked for.
func wanted(err error, status int) error {
	var why *client.RejectedError
	if errors.As(err, &why) && why.Status == status {
		return nil
	}
	if err == nil {
		return fmt.Errorf("the hub accepted what it should refuse with %d", status)
	}
	return err
}
