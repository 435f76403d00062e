"""OpenTelemetry: spans and metrics of what a client does, without personal data.

    telemetry = Telemetry()
    sikoia = Sikoia(observers=[telemetry])
    router = Router(observers=[telemetry])

Names follow the semantic conventions for HTTP; all others begin with `sikoia.`. See "Telemetry" in
the documentation for the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async import __version__
from sikoia_async.integrations._extras import Extra
from sikoia_async.integrations._metrics import Metrics

with Extra("otel"):
    from opentelemetry.metrics import MeterProvider, get_meter
    from opentelemetry.trace import TracerProvider, get_tracer

    from sikoia_async.integrations._spans import Spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.propagators.textmap import TextMapPropagator

    from sikoia_async.observers import ClientEvent

__all__ = ["Telemetry"]

_NAME: Final = "sikoia_async"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.27.0"
"""The version of the semantic conventions that the names are from."""


class Telemetry:
    """An observer that records spans and metrics with OpenTelemetry.

    Use one for all clients and routers of a process. It needs only opentelemetry-api, and does
    nothing until your application sets up OpenTelemetry's SDK, before or afterwards.

    Each call is a span such as `sikoia.cases.retrieve`, each of its attempts a span inside it, and
    an operation a span from its request to its result. Each request to Sikoia carries the context
    of your trace, written by the propagator that you have set, but no baggage. The instrumentation
    of httpx and other HTTP libraries records nothing for these requests.

    Args:
        tracer_provider: creates the tracer; the global provider by default.
        meter_provider: creates the meter; the global provider by default.
        propagator: writes the headers with the context; the global propagator by default.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        propagator: TextMapPropagator | None = None,
    ) -> None:
        spans = Spans(get_tracer(_NAME, __version__, tracer_provider, _SCHEMA), propagator)
        metrics = Metrics(get_meter(_NAME, __version__, meter_provider, _SCHEMA))
        # In this order, so that histograms find the span of what they measure, for exemplars.
        self._handlers: dict[type[ClientEvent], tuple[Callable[[Any], None], ...]] = {
            event: tuple(one[event] for one in (metrics.handlers, spans.handlers) if event in one)
            for event in {**metrics.handlers, **spans.handlers}
        }

    def observe(self, event: ClientEvent, /) -> None:
        """Record an event."""
        for handle in self._handlers.get(type(event), ()):
            handle(event)
