"""What observers cost: CPU per call with observers, divided by the cost without any.

Nothing is loaded for a client without observers, and each place where an event would arise compares
with None once: the first row is the same client twice, and shows the noise.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

from _calls import Call, Wire, cpu
from _measure import Row, at_most, is_quick, print_table, race
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from server import CASE_ID, running

from sikoia_async import ClientEvent, Observer, Sikoia
from sikoia_async.environments import local
from sikoia_async.integrations.opentelemetry import Telemetry

__all__ = ["compare"]

_ROUNDS: Final = 20


class _Idle:
    def observe(self, event: ClientEvent, /) -> None:
        """Do nothing."""


def _observers() -> dict[str, Observer | None]:
    meters = MeterProvider([InMemoryMetricReader()])
    return {
        "none": None,
        "none, again": None,
        "one that does nothing": _Idle(),
        "Telemetry, without a provider": Telemetry(),
        "Telemetry, metrics and no sampled span": Telemetry(
            TracerProvider(sampler=ALWAYS_OFF), meters
        ),
        "Telemetry, metrics and all spans": Telemetry(TracerProvider(), meters),
    }


def compare(*, quick: bool) -> list[Row]:
    """Compare clients over http."""
    with running() as address, asyncio.Runner() as runner:
        wire = Wire(runner, address.http, address.ca_file)
        with _clients(wire) as calls:
            turns = {name: partial(cpu, wire, call, 16) for name, call in calls.items()}
            costs = race(turns, 2 if quick else _ROUNDS)
    none = costs.pop("none")
    return [
        at_most(None, f"observers: {name} | none", cost, none, "s/call")
        for name, cost in costs.items()
    ]


@contextmanager
def _clients(wire: Wire) -> Generator[dict[str, Call]]:
    clients = {
        name: Sikoia(
            "id",
            "secret",
            environment=local(wire.url),
            quota=None,
            observers=None if observer is None else [observer],
        )
        for name, observer in _observers().items()
    }
    try:
        yield {name: partial(client.cases.retrieve, CASE_ID) for name, client in clients.items()}
    finally:
        for client in clients.values():
            wire.runner.run(client.aclose())


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
