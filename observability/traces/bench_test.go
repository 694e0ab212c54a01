package traces

import (
	"context"
	"testing"
	"time"
)

func BenchmarkRequest(b *testing.B) {
	tracing, _ := recorded(b, sampling(0.01))
	for name, h := range map[string][]string{
		"none":        nil,
		"traceparent": {"Traceparent", notSampledBy},
		"uber":        {"Uber-Trace-Id", callerID + ":" + callerSpan + ":0:1"},
	} {
		header := header(h...)
		header.Set("User-Agent", "bench")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if in := tracing.Request(header); in.TraceID() == "" {
					b.Fatal("no trace id")
				}
			}
		})
	}
}

func BenchmarkPublish(b *testing.B) {
	for name, ratio := range map[string]float64{"sampled": 1, "unsampled": 0} {
		b.Run(name, func(b *testing.B) {
			tracing, err := Start(b.Context(), sampling(ratio))
			if err != nil {
				b.Fatal(err)
			}
			defer tracing.Close(b.Context())
			in, now := tracing.Request(nil), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				_, p := tracing.Publish(context.Background(), in, "stable", now)
				_ = p.Traceparent()
				p.End(Published{End: now, Topic: "orders", ID: "1763820000000-0", Bytes: 128, Outcome: "accepted"})
			}
		})
	}
}

func BenchmarkConnectThatIsNotKept(b *testing.B) {
	tracing, _ := recorded(b, sampling(0))
	in, now := tracing.Request(nil), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		_, c := tracing.Connect(context.Background(), in, "stable", now)
		c.End(Connect{End: now, Status: 200})
	}
}

func BenchmarkFanoutOfAnEventWithoutTrace(b *testing.B) {
	tracing, _ := recorded(b, sampling(0))
	b.ReportAllocs()
	for b.Loop() {
		tracing.Fanout(Fanout{Topic: "orders", ID: "1763820000000-0"})
	}
}
