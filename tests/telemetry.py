"""Telemetry that keeps its spans and metrics in memory."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import SpanContext

from sikoia_async.integrations.opentelemetry import Telemetry

__all__ = ["Recorded", "attributes", "context_of"]


class Recorded:
    """Telemetry, and what it has recorded."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self._metrics = dict[str, Any]()  # old versions export a gauge once
        self.tracers = TracerProvider(sampler=sampler)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])
        self.telemetry = Telemetry(self.tracers, self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in the order of their start."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def names(self) -> list[str]:
        """The names of the spans."""
        return [span.name for span in self.spans]

    def span(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        [span] = [one for one in self.spans if one.name == name]
        return span

    def parent_of(self, span: ReadableSpan) -> str | None:
        """Return the name of a span's parent."""
        if span.parent is None:
            return None
        ids = {context_of(one).span_id: one.name for one in self.spans}
        return ids[span.parent.span_id]

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics by name."""
        data = self._reader.get_metrics_data()
        scopes = (
            [one for part in data.resource_metrics for one in part.scope_metrics] if data else []
        )
        self._metrics |= {metric.name: metric for scope in scopes for metric in scope.metrics}
        return self._metrics

    def points(self, name: str) -> dict[tuple[Any, ...], Any]:
        """Return the values of a metric by those of its attributes: of a histogram, its counts."""
        return {
            tuple(point.attributes.values()): getattr(point, "count", None) or point.value
            for point in self.metrics[name].data.data_points
        }

    @property
    def summary(self) -> str:
        """How many spans there are of each name, and the values of metrics."""
        spans = [f"{count:5} {name}" for name, count in sorted(Counter(self.names).items())]
        values = [
            f"{value:5} {name} {' '.join(map(str, attributes))}"
            for name in sorted(self.metrics)
            for attributes, value in self.points(name).items()
        ]
        return "\n".join(["spans", *spans, "metrics", *values])

    @property
    def text(self) -> str:
        """Everything that was recorded."""
        spans = "\n".join(span.to_json() for span in self.spans)
        return spans + "".join(metric.to_json() for metric in self.metrics.values())


def context_of(span: ReadableSpan) -> SpanContext:
    """Return the context of a span."""
    context: SpanContext | None = span.context
    assert context is not None
    return context


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})
