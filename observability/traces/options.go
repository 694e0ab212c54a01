package traces

import (
	"fmt"
	"io"
	"strings"
)

// The exporters.
const (
	ExporterNone         = "none"
	ExporterOTLP         = "otlp"
	ExporterJaegerThrift = "jaeger-thrift"
	ExporterStdout       = "stdout"
)

// Options say what is recorded and where it goes.
type Options struct {
	// Exporter is one of the exporters. Where it is empty,
	// OTEL_TRACES_EXPORTER decides, else nothing is exported. With none, spans
	// are still recorded for [Tracing.Tracez], and whoever is called, or reads
	// an event, is told what the caller decided, not what was recorded here.
	Exporter string
	// Ratio is the part of the traces that begin here which is sampled, 0 to 1.
	// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG win over it.
	Ratio float64
	// Getenv reads the OTEL_* variables of the specification: those of the
	// OTLP and Jaeger exporters, of the sampler, of the resource, OTEL_BSP_*
	// and OTEL_SDK_DISABLED. Nil: none is set.
	Getenv func(string) string

	// What the resource says. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
	// win over it.

	Service     string // service.name
	Version     string // service.version
	Node        string // service.instance.id
	Release     string // sse.release
	Environment string // deployment.environment.name

	// Stdout is where the stdout exporter writes.
	Stdout io.Writer

	// What is told about it, each may be nil. They must not block.

	Dropped func(reason string, spans int) // the reasons are those of package outbox
	Sent    func(spans int)                // that the backend took
	Failed  func(error)                    // the exporter's trouble, once a minute at most
}

// complete fills in what is not set, and checks the rest.
func (o Options) complete() (Options, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Dropped == nil {
		o.Dropped = func(string, int) {}
	}
	if o.Sent == nil {
		o.Sent = func(int) {}
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	if !(o.Ratio >= 0 && o.Ratio <= 1) {
		return o, fmt.Errorf("the ratio of traces that are sampled is %v: set --trace-ratio to a number from 0 to 1", o.Ratio)
	}
	env := environment(o.Getenv)
	if o.Exporter == "" {
		o.Exporter = env.get("OTEL_TRACES_EXPORTER")
		switch o.Exporter {
		case "":
			o.Exporter = ExporterNone
		case "console": // the specification's name
			o.Exporter = ExporterStdout
		}
	}
	switch o.Exporter {
	case ExporterNone, ExporterOTLP, ExporterJaegerThrift:
	case ExporterStdout:
		if o.Stdout == nil {
			return o, fmt.Errorf("the exporter %s has nowhere to write", ExporterStdout)
		}
	default:
		return o, fmt.Errorf("there is no trace exporter %q: set --trace-exporter, or OTEL_TRACES_EXPORTER, to one of %s", o.Exporter,
			strings.Join([]string{ExporterNone, ExporterOTLP, ExporterJaegerThrift, ExporterStdout}, ", "))
	}
	return o, nil
}
