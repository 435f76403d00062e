"""The cost of waiting for operations: polls, delays, rate-limit slots, memory and event loop.

Polls and delays are measured in virtual time against a simulated Sikoia without sockets. It counts
requests in fixed windows of unknown phase, and returns 429 over 200 a minute. Durations of
operations are random, but the same in every run. The peers are loops that sleep and retrieve, with
the same client and quota; they may use all of it, while our polls leave a tenth to other calls.
"""

import asyncio
import gc
import json
import math
import random
import statistics
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final, Protocol

import attrs
import httpx
from _measure import Row, is_quick, print_table
from _virtual import VirtualLoop, now

from sikoia_async import Quota, Sikoia
from sikoia_async.environments import local
from sikoia_async.operations.operation import Operation
from sikoia_async.resources.identity import IdentityReport
from sikoia_async.resources.income import IncomeReport
from sikoia_async.webhooks import parse

__all__ = ["compare"]

_QUOTA: Final = Quota(200, per=60.0)
_WAY: Final = 0.05
"""Seconds that a request takes to the server, or its answer back, at most."""
_SIGMA: Final = 0.8
_EVENT: Final = (0.1, 0.5)
"""Seconds from the end of an operation to its event."""
_LONG: Final = 1e6
"""Seconds that are waited: nobody gives up."""
_TICK: Final = 0.005
"""Seconds of the sleeps that show how late the event loop is."""
_AT_FIRST: Final = 5.0
"""Seconds in which all begin to wait, and each asks or stands in line for the first time."""


def compare(*, quick: bool) -> list[Row]:
    """Compare the ways of waiting, then measure memory and the event loop."""
    return [*_rows(_play_all(quick=quick)), *_slots(quick=quick), *_costs(quick=quick)]


@attrs.frozen
class _Work:
    """A kind of operation, with a capped log-normal duration."""

    name: str
    path: str
    report: type[IncomeReport | IdentityReport]
    resource: str
    event: str
    median: float
    longest: float

    def durations(self, count: int, seed: int) -> list[float]:
        chance = random.Random(seed)  # noqa: S311 - not for secrets
        drawn = (chance.lognormvariate(math.log(self.median), _SIGMA) for _ in range(count))
        return [min(self.longest, seconds) for seconds in drawn]

    def operation(self, sikoia: Sikoia, first: Any) -> Operation[Any]:
        """Return the operation with this first response."""
        module: Any = import_module(f"sikoia_async.resources.{self.resource}")
        operation: Operation[Any] = sikoia._api.operation(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as `request` does
            module._OPERATION,  # noqa: SLF001
            (first.request_id,),
            module._retrieve(first.request_id),  # noqa: SLF001
            first,
        )
        return operation


_MACHINE: Final = _Work(
    "machine, 15 s",
    "/v2/income-employer",
    IncomeReport,
    "income",
    "IncomeEmployerInsights.Completed",
    15.0,
    300.0,
)
_PERSON: Final = _Work(
    "person, 4 min",
    "/v2/identity",
    IdentityReport,
    "identity",
    "IdentityVerification.Completed",
    240.0,
    1800.0,
)


class _Server(httpx.AsyncBaseTransport):
    """A simulated Sikoia: runs operations, and enforces the rate limit."""

    def __init__(self, durations: Iterable[float], seed: int) -> None:
        self.ends: dict[str, float] = {}
        """When each operation is done."""
        self.polls = 0
        self.refused = 0
        self.arrivals: dict[str, float] = {}
        """When each call arrived that is about no operation, by the end of its path."""
        self._durations = iter(durations)
        self._chance = random.Random(seed)  # noqa: S311 - not for secrets
        self._phase = self._chance.uniform(0, _QUOTA.per)
        self._windows = Counter[float]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request."""
        await self._travel()
        answer = self._answer(request)
        await self._travel()
        return answer

    def begin(self) -> httpx.Response:
        """Start an operation."""
        name = f"{len(self.ends):08x}-7a3d-4c1b-9e55-0242ac120002"
        self.ends[name] = now() + next(self._durations)
        return httpx.Response(200, json={"request_id": name, "status": "Pending"})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        window, into_it = divmod(now() - self._phase, _QUOTA.per)
        self._windows[window] += 1
        if self._windows[window] > _QUOTA.limit:
            self.refused += 1
            wait = math.ceil(_QUOTA.per - into_it)
            return httpx.Response(429, headers={"Retry-After": str(wait)}, json={})
        if request.method == "POST":
            return self.begin()
        name = request.url.path.rpartition("/")[2]
        if name not in self.ends:
            self.arrivals[name] = now()
            return httpx.Response(200, json={})
        self.polls += 1
        status = "Complete" if self.ends[name] <= now() else "Pending"
        return httpx.Response(200, json={"request_id": name, "status": status})

    async def _travel(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, _WAY))


class _Starter(httpx.AsyncBaseTransport):
    """The same server for starting operations, without the rate limit."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the state of an operation."""
        del request
        return self._server.begin()


def _client(
    transport: httpx.AsyncBaseTransport, quota: Quota | None = _QUOTA, *, events: bool = False
) -> Sikoia:
    return Sikoia(
        token="a-token",  # noqa: S106 - the server accepts any token
        environment=local("http://127.0.0.1:9"),
        transport=transport,
        quota=quota,
        rely_on_events="always" if events else False,
    )


async def _begun(server: _Server, work: _Work, count: int) -> list[Any]:
    """Start operations outside the quota, and return their first responses."""
    async with _client(_Starter(server), None) as sikoia:
        return [await _begin(sikoia, work) for _ in range(count)]


async def _begin(sikoia: Sikoia, work: _Work) -> Any:
    return await sikoia.request("POST", work.path, into=work.report, body={"case_id": "a-case"})


class _Wait(Protocol):
    def __call__(self, sikoia: Sikoia, work: _Work, first: Any) -> Awaitable[object]: ...


async def _ours(sikoia: Sikoia, work: _Work, first: Any) -> None:
    await work.operation(sikoia, first).wait(timeout=_LONG)


def _loop(pause: float) -> _Wait:
    async def wait(sikoia: Sikoia, work: _Work, first: Any) -> None:
        report = first
        while report.status != "Complete":
            await asyncio.sleep(pause)
            report = await getattr(sikoia, work.resource).retrieve(report.request_id)

    return wait


@attrs.frozen
class _Way:
    """A way of waiting, and how many tasks await each operation."""

    name: str
    wait: _Wait
    awaits: int = 3
    events: bool = False
    lost: float = 0.0
    """How many of the events never come."""


_POLLING: Final = _Way("ours", _ours)
_WOKEN: Final = _Way("ours, events", _ours, events=True)
_LOSSY: Final = _Way("ours, events, 2% lost", _ours, events=True, lost=0.02)
_SLOW: Final = _Way("one loop, every 30 s", _loop(30.0), awaits=1)
_LOOPS: Final = _Way("3 loops, every 1 s", _loop(1.0))
_WAYS: Final = (_POLLING, _WOKEN, _LOSSY, _SLOW, _LOOPS)


@attrs.frozen
class _Seen:
    """The result of a simulation."""

    polls: float
    """For each operation."""
    delays: Sequence[float]
    """Seconds from the end of an operation until each of its awaits returned."""
    refused: int
    seconds: float
    """Until the last await returned."""
    slots: Sequence[float]
    """Seconds until each call of others arrived."""

    def cells(self) -> list[str]:
        """Format the delay."""
        delays = [_seconds(_part(self.delays, part)) for part in (0.5, 0.95, 1.0)]
        return [f"{self.polls:,.2f}", *delays, f"{self.refused:,}", _seconds(self.seconds)]


@attrs.frozen
class _Scene:
    """The operations of a simulation: all pending at once, or started at a rate."""

    work: _Work
    count: int
    per_minute: float = 0.0
    others: bool = False
    """Whether an interactive call is made every second meanwhile."""
    times: int = 1
    """How often, one after the other."""

    @property
    def name(self) -> str:
        when = f"started at {self.per_minute:g} a minute" if self.per_minute else "pending at once"
        return f"{self.work.name}, {self.count:,} {when}"

    def play(self, way: _Way, *, kept: bool = True) -> _Seen:
        """Simulate one way of waiting.

        Args:
            way: how to wait.
            kept: whether polls leave some slots of the quota free.
        """
        seen = [self._play(way, seed, kept=kept) for seed in range(self.times)]
        return _Seen(
            statistics.fmean(one.polls for one in seen),
            sorted(delay for one in seen for delay in one.delays),
            sum(one.refused for one in seen),
            max(one.seconds for one in seen),
            sorted(slot for one in seen for slot in one.slots),
        )

    def _play(self, way: _Way, seed: int, *, kept: bool) -> _Seen:
        random.seed(seed)  # of the jitter between polls

        async def main() -> _Seen:
            server = _Server(self.work.durations(self.count, seed), seed)
            firsts = [] if self.per_minute else await _begun(server, self.work, self.count)
            async with _client(server, events=way.events) as sikoia:
                if not kept:
                    sikoia._api.context.rate_limiter._reserve = 0  # type: ignore[union-attr]  # noqa: SLF001  # pyright: ignore[reportOptionalMemberAccess, reportPrivateUsage]
                return await self._wait(way, sikoia, server, firsts)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(main())

    async def _wait(
        self, way: _Way, sikoia: Sikoia, server: _Server, firsts: Sequence[Any]
    ) -> _Seen:
        # Without a deadline, because the peers' calls may queue for a long time.
        patient, work = sikoia.with_options(timeout=_LONG), self.work
        chance, delays, began = random.Random(7), list[float](), now()  # noqa: S311 - not for secrets

        async def wait(first: Any) -> None:
            await way.wait(patient, work, first)
            delays.append(now() - server.ends[first.request_id])

        async def tell(first: Any) -> None:
            await asyncio.sleep(server.ends[first.request_id] + chance.uniform(*_EVENT) - now())
            body = json.dumps({"requestId": first.request_id}).encode()
            sikoia.events.feed(parse(body, event_type=work.event))

        async def one(number: int) -> None:
            if self.per_minute:
                await asyncio.sleep(number * 60 / self.per_minute)
            first = await _begin(patient, work) if self.per_minute else firsts[number]
            async with asyncio.TaskGroup() as tasks:
                for _ in range(way.awaits):
                    tasks.create_task(wait(first))
                if way.events and chance.random() >= way.lost:
                    tasks.create_task(tell(first))

        async with _others(patient if self.others else None) as starts:
            async with asyncio.TaskGroup() as tasks:
                for number in range(self.count):
                    tasks.create_task(one(number))
            seconds = now() - began
        slots = [server.arrivals[name] - start for name, start in starts.items()]
        return _Seen(server.polls / self.count, delays, server.refused, seconds, slots)


_Played = Mapping[_Scene, Mapping[_Way, _Seen]]


@asynccontextmanager
async def _others(sikoia: Sikoia | None) -> AsyncGenerator[dict[str, float]]:
    """Make a call every second, if there is a client for it, and return their start times."""
    starts, calls = dict[str, float](), list[asyncio.Task[Any]]()

    async def start(client: Sikoia) -> None:
        while True:
            name = f"case-{len(calls)}"
            starts[name] = now()
            calls.append(asyncio.create_task(client.request("GET", f"/v2/cases/{name}")))
            await asyncio.sleep(1)

    starting = asyncio.create_task(start(sikoia)) if sikoia else None
    yield starts
    if starting:
        starting.cancel()
        await asyncio.gather(*calls)


def _play_all(*, quick: bool) -> _Played:
    most, many, alone = (200, 100, 2) if quick else (10_000, 2_000, 50)
    scenes = [
        *(
            _Scene(work, count, times=alone if count == 1 else 1)
            for work in (_MACHINE, _PERSON)
            for count in (1, 100, most)
        ),
        _Scene(_MACHINE, many, per_minute=60),
    ]
    return {scene: {way: scene.play(way) for way in _WAYS} for scene in scenes}


def _print_all(played: _Played) -> None:
    """Print the results of each way of waiting."""
    head = ("polls each", "delay: median", "p95", "longest", "429s", "total time")
    say = partial(print, file=sys.stderr, flush=True)
    say(f"{'':34}" + "".join(f"{title:>15}" for title in head))
    for scene, seen in played.items():
        say(scene.name)
        for way, one in seen.items():
            say(f"    {way.name:30}" + "".join(f"{cell:>15}" for cell in one.cells()))
    say()


def _rows(played: _Played) -> list[Row]:
    rows = list[Row]()
    for scene, seen in played.items():
        plain, lossy, slow = seen[_POLLING], seen[_LOSSY], seen[_SLOW]
        rows += [
            Row(
                f"{scene.name}: polls each, {_LOSSY.name} | without events",
                f"{lossy.polls:.2f}",
                f"{plain.polls:.2f}",
                lossy.polls / plain.polls,
                "≤ 1.2",
                _yes(lossy.polls <= 1.2),
            ),
            _delay_row("… delay, median | without events", lossy, plain),
            _delay_row(f"… delay without events, median | {_SLOW.name}", plain, slow),
        ]
    refused = sum(one.refused for seen in played.values() for one in seen.values())
    return [*rows, Row("all of the above: 429s", f"{refused:,}", "-", None, "0", _yes(not refused))]


def _delay_row(what: str, ours: _Seen, theirs: _Seen) -> Row:
    our, their = _part(ours.delays, 0.5), _part(theirs.delays, 0.5)
    return Row(what, _seconds(our), _seconds(their), our / their)


def _slots(*, quick: bool) -> list[Row]:
    """Measure how long interactive calls wait for a slot while many operations are pending."""
    scene = _Scene(_MACHINE, 200 if quick else 1_000, others=True)
    ours = scene.play(_POLLING).slots
    peers = {
        "no slots kept free": scene.play(_POLLING, kept=False).slots,
        _LOOPS.name: scene.play(_LOOPS).slots,
    }
    return [
        Row(
            f"a call each second, {scene.count:,} pending | {name}: {label} wait for a slot",
            _seconds(_part(ours, part)),
            _seconds(_part(slots, part)),
        )
        for name, slots in peers.items()
        for label, part in (("median", 0.5), ("longest", 1.0))
    ]


def _costs(*, quick: bool) -> list[Row]:
    """Measure the memory of waiting, and its effect on the event loop."""
    count = 1_000 if quick else 10_000
    tasks, size = asyncio.run(_memory(count))
    idle, at_first, waiting = asyncio.run(_lateness(count, 1.0 if quick else 10.0))
    return [
        Row(
            f"{count:,} waiting: memory of each, including its task",
            f"{size / 1024:.1f} KiB",
            "-",
            None,
            "≤ 10 KiB",
            _yes(size <= 10 * 1024),
        ),
        Row("… tasks besides those of the callers", str(tasks), "-", None, "0", _yes(not tasks)),
        Row(
            "… event loop lateness, p99 | without waits",
            _milliseconds(_part(waiting, 0.99)),
            _milliseconds(_part(idle, 0.99)),
            None,
            "≤ 20 ms",
            _yes(_part(waiting, 0.99) <= 0.02),
        ),
        Row("… median", _milliseconds(_part(waiting, 0.5)), _milliseconds(_part(idle, 0.5))),
        Row("… longest", _milliseconds(waiting[-1]), _milliseconds(idle[-1])),
        Row("… p99 while all start to wait", _milliseconds(_part(at_first, 0.99)), "-"),
        Row("… maximum while all start to wait", _milliseconds(at_first[-1]), "-"),
    ]


async def _memory(count: int) -> tuple[int, float]:
    """Return the number of tasks besides those of the callers, and the bytes per wait."""
    server = _Server([_LONG] * (count + 1), 0)
    async with _client(_Starter(server), None, events=True) as sikoia:
        report = await _begin(sikoia, _MACHINE)
        first = asyncio.create_task(_ours(sikoia, _MACHINE, report))  # loads lazy modules
        await asyncio.sleep(0.1)
        gc.collect()
        before = len(asyncio.all_tasks())
        tracemalloc.start()
        empty, _ = tracemalloc.get_traced_memory()
        firsts = [await _begin(sikoia, _MACHINE) for _ in range(count)]
        waits = [asyncio.create_task(_ours(sikoia, _MACHINE, one)) for one in firsts]
        del firsts
        await asyncio.sleep(0.5)
        gc.collect()
        full, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        tasks = len(asyncio.all_tasks()) - before - count
        await _cancel([first, *waits])
    return tasks, (full - empty) / count


async def _lateness(count: int, seconds: float) -> tuple[list[float], list[float], list[float]]:
    """Return the lateness of sleeps: without waits, while many start, and while they wait."""
    server = _Server([_LONG] * count, 0)
    firsts = await _begun(server, _MACHINE, count)
    waits = list[asyncio.Task[None]]()

    async def begin(sikoia: Sikoia) -> None:
        for number, first in enumerate(firsts):
            waits.append(asyncio.create_task(_ours(sikoia, _MACHINE, first)))
            if number % 10 == 0:
                await asyncio.sleep(0)

    gc.collect()
    idle = await _late(seconds)
    async with _client(server) as sikoia:
        beginning = asyncio.create_task(begin(sikoia))
        at_first = await _late(min(seconds, _AT_FIRST))
        await beginning
        waiting = await _late(seconds)
        await _cancel(waits)
    return idle, at_first, waiting


async def _late(seconds: float) -> list[float]:
    end, late = time.perf_counter() + seconds, list[float]()
    while (began := time.perf_counter()) < end:
        await asyncio.sleep(_TICK)
        late.append(time.perf_counter() - began - _TICK)
    return sorted(late)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _part(times: Sequence[float], part: float) -> float:
    """Return a quantile of sorted times."""
    return times[math.ceil(part * len(times)) - 1]


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _yes(met: bool) -> str:
    return "yes" if met else "no"


if __name__ == "__main__":
    quick = is_quick()
    played = _play_all(quick=quick)
    _print_all(played)
    print_table([*_rows(played), *_slots(quick=quick), *_costs(quick=quick)])
