"""The rules of an `EventStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from sikoia_async.testing.stores._base import Rules, broken, check, unique

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import EventStore

__all__ = ["EventConformance"]


class EventConformance(Rules):
    """Tests of an `EventStore`; see `StoreConformance`."""

    timeout: float = 30.0
    """Real seconds after which a message is lost, or a store is blocked."""

    def _events(self) -> AbstractAsyncContextManager[tuple[EventStore, EventStore]]:
        return self.pair(lambda stores: stores.events)

    async def test_a_message_reaches_all_processes(self) -> None:
        """Its sender included, in the order in which one process publishes them."""
        async with self._events() as (one, two):
            account, sent = unique(), ["first", "zwei — ✓", "x" * 2000, '{"a": 1}']
            async with one.subscribe(account) as here, two.subscribe(account) as there:
                for message in sent:
                    await one.publish(account, message)
                check(await self._next(here, 4) == sent, "the sender gets other messages")
                check(await self._next(there, 4) == sent, "another process gets other messages")

    async def test_only_later_messages_arrive(self) -> None:
        """What was published before the subscription is not repeated."""
        async with self._events() as (one, two):
            account = unique()
            await one.publish(account, "before")
            async with two.subscribe(account) as messages:
                await one.publish(account, "after")
                check(await self._next(messages, 1) == ["after"], "an old message is repeated")

    async def test_a_message_concerns_one_account(self) -> None:
        """Others do not get it."""
        async with self._events() as (one, two):
            account = unique()
            async with two.subscribe(account) as messages:
                await one.publish(unique(), "another's")
                await one.publish(account, "mine")
                check(await self._next(messages, 1) == ["mine"], "messages of another account come")

    async def test_nobody_has_to_listen(self) -> None:
        """Publishing works without a subscriber, and after one has left."""
        async with self._events() as (one, two):
            account = unique()
            await one.publish(account, "nobody")
            async with two.subscribe(account):
                pass
            await one.publish(account, "nobody")

    async def test_a_slow_subscriber_holds_up_nobody(self) -> None:
        """It may lose messages. Publishing goes on, and others get theirs."""
        async with self._events() as (one, two):
            account = unique()
            async with one.subscribe(account), two.subscribe(account) as messages:
                with anyio.move_on_after(self.timeout) as scope:
                    for number in range(300):
                        await one.publish(account, str(number))
                check(not scope.cancelled_caught, "a subscriber that does not read holds up others")
                await self._next(messages, 1)

    async def test_a_subscription_can_be_cancelled(self) -> None:
        """And made again."""
        async with self._events() as (one, two):
            account = unique()

            async def listen() -> None:
                async with two.subscribe(account) as messages:
                    async for _ in messages:
                        pass

            await self.cancel_each_step(listen)
            async with two.subscribe(account) as messages:
                await one.publish(account, "hello")
                check(await self._next(messages, 1) == ["hello"], "another message arrives")

    async def _next(self, messages: AsyncIterator[str], count: int) -> list[str]:
        """Return the next messages."""
        found = list[str]()
        with anyio.move_on_after(self.timeout):
            async for message in messages:
                found.append(message)
                if len(found) == count:
                    return found
        return broken(f"{count} messages were published, and {len(found)} arrived")
