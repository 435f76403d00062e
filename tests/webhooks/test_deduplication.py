"""Deduplication: how many events of a grouping are counted, and the lock per key."""

import anyio
import anyio.lowlevel
import pytest

from sikoia_async.webhooks import ReplayGuard, parse
from sikoia_async.webhooks.deduplication import Deduplicator, KeyedLock

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_events_beyond_a_limit_are_not_merged() -> None:
    """Counting a grouping takes as many look-ups as it has events, so it has to end."""
    deduplicator, handled = Deduplicator(ReplayGuard(), max_counted=3), list[str]()

    for name, count in (("PayslipProcessing.Completed", 3), ("DocumentProcessing.Completed", 6)):
        for number in range(count):
            event = parse(
                b'{"event_type": "%s", "grouping_id": "g", "n": %d}' % (name.encode(), number)
            )

            async def work(name: str = name) -> None:
                await anyio.lowlevel.checkpoint()
                handled.append(name.partition("P")[0] or "Payslip")

            await deduplicator.run(event, "handler", work)

    assert handled == ["Payslip"] * 3 + ["Document"] * 4


async def test_fed_events_take_bounded_memory() -> None:
    """The oldest are forgotten, and fed again if they are delivered again."""
    deduplicator, fed = Deduplicator(ReplayGuard()), list[int]()

    async def deliver(number: int) -> None:
        async def feed() -> None:
            await anyio.lowlevel.checkpoint()
            fed.append(number)

        await deduplicator.feed(parse(b"%d" % number), feed)

    for number in range(10_001):
        await deliver(number)
    await deliver(1)
    await deliver(0)

    assert fed == [*range(10_001), 0]


async def test_a_key_is_held_by_one_task_at_a_time() -> None:
    """In the order in which they came; other keys are independent."""
    lock, order = KeyedLock(), list[str]()

    async def hold(key: str, name: str) -> None:
        async with lock.hold(key):
            order.append(f"{name} starts")
            await anyio.sleep(1)
            order.append(f"{name} ends")

    async with anyio.create_task_group() as tasks:
        for name in ("first", "second"):
            tasks.start_soon(hold, "a", name)
            await anyio.sleep(0.1)
        tasks.start_soon(hold, "b", "other")
        await anyio.sleep(0.1)
        assert len(lock) == 2

    assert order == [
        "first starts", "other starts", "first ends", "second starts", "other ends", "second ends",
    ]  # fmt: skip


async def test_an_unused_key_takes_no_memory() -> None:
    """Whether the tasks that used it succeeded, failed or were cancelled."""
    lock = KeyedLock()

    async def wait() -> None:
        async with lock.hold("a"):
            await anyio.sleep(10)

    with anyio.move_on_after(1):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
    with pytest.raises(LookupError):
        async with lock.hold("b"):
            raise LookupError

    assert len(lock) == 0
