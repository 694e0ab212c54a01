package traces

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

func page(tracing *Tracing, query string) string {
	w := httptest.NewRecorder()
	tracing.Tracez().ServeHTTP(w, httptest.NewRequest("GET", "/debug/tracez"+query, nil))
	return w.Body.String()
}

func TestTracez(t *testing.T) {
	for _, o := range []Options{{Ratio: 1}, sampling(1)} {
		tracing, _ := recorded(t, o)
		_, p := tracing.Publish(t.Context(), tracing.Request(nil), "", time.Now())
		p.End(Published{End: time.Now().Add(2 * time.Millisecond), Topic: "orders"})
		_, c := tracing.Connect(t.Context(), tracing.Request(nil), "", time.Now())
		c.End(Connect{End: time.Now(), Status: 500})
		if got := page(tracing, "?zspanname=sse.publish&ztype=1&zlatencybucket=3"); !strings.Contains(got, "messaging.destination.name=orders") {
			t.Errorf("%q: the page is without the publish:\n%s", o.Exporter, got)
		}
		if got := page(tracing, "?zspanname=sse.connect&ztype=2"); !strings.Contains(got, "http.response.status_code=500") {
			t.Errorf("%q: the page is without the failed connect:\n%s", o.Exporter, got)
		}
	}
}

// The page is looked at while spans are made and sent, and names that clients
// choose do not fill memory.
func TestTracezWhileSpansAreMade(t *testing.T) {
	tracing, _ := recorded(t, sampling(1))
	tracer := tracing.Provider().Tracer("store")
	var work sync.WaitGroup
	work.Go(func() {
		for i := range 2000 {
			_, s := tracer.Start(context.Background(), fmt.Sprint("name ", i), trace.WithAttributes(attribute.Int("z", 1), attribute.Int("a", 1)))
			s.SetAttributes(attribute.Int("m", i))
			s.AddEvent("event", trace.WithAttributes(attribute.Int("z", 1), attribute.Int("a", 1)))
			s.End()
		}
	})
	for i := range 2 {
		work.Go(func() {
			for range 10 {
				page(tracing, fmt.Sprint("?zspanname=name%200&ztype=", i))
				page(tracing, "?zspanname=other&ztype=1&zlatencybucket=1")
			}
		})
	}
	work.Wait()
	if len(tracing.pages.names) != maxPageNames {
		t.Errorf("%d names are kept, want %d", len(tracing.pages.names), maxPageNames)
	}
	if got := page(tracing, ""); !strings.Contains(got, "other") || strings.Contains(got, "name 1999") {
		t.Error("the page shows names beyond the bound")
	}
}
