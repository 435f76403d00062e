"""Gets ready for the first call: an access token, an open connection, and loaded code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx
from anyio.lowlevel import checkpoint

from sikoia_async._calls.call import load_readers
from sikoia_async._calls.failures import connection_failed, deadline_exceeded
from sikoia_async._errors import CallInfo
from sikoia_async._hooks import correlation
from sikoia_async._transport.exchange import build_request
from sikoia_async._transport.faults import fault_from
from sikoia_async._transport.real_time import end_in_real_time
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import RequestNotSent, RequestState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async._auth.tokens import TokenSource
    from sikoia_async._calls.api import Api
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async._transport.types import TransportFault

__all__ = ["warm"]


async def warm(api: Api, pool: ConnectionPool, source: TokenSource | None) -> None:
    """Get an access token and open a connection at the same time, and load code meanwhile.

    Args:
        api: holds the timeout.
        pool: opens the connection.
        source: gets the access token; None if requests carry an API key.

    Raises:
        TokenError: the authorization server refused to grant an access token.
        ConnectionFailedError: Sikoia or the authorization server could not be reached.
        DeadlineExceededError: it took too long.
    """
    api.context.lifecycle.check()
    timeout, preparation = api.options.timeout, _Preparation(api, pool)
    steps: list[Callable[[], Awaitable[object]]] = [preparation.connect, _load]
    if source is not None:
        steps.insert(1, source.get)
    with anyio.move_on_after(timeout) as deadline, end_in_real_time(deadline, timeout):
        await preparation.run(steps)
    if deadline.cancelled_caught:
        raise preparation.deadline_exceeded(timeout)


async def _load() -> None:
    await checkpoint()  # by now, the other steps have begun to connect
    load_readers()


class _Preparation:
    """Steps that run at the same time, and fail together."""

    def __init__(self, api: Api, pool: ConnectionPool) -> None:
        self._context = api.context
        self._pool = pool
        self._watch = Stopwatch(api.context.lifecycle.now, "connection")
        self._id = api.options.correlation_id or correlation.current()

    async def run(self, steps: list[Callable[[], Awaitable[object]]]) -> None:
        """Run all steps, and raise the first error."""
        failures: list[Exception] = []

        async def run(step: Callable[[], Awaitable[object]]) -> None:
            try:
                await step()
            except RequestNotSent as error:  # of a function that returns access tokens
                failures.append(self._failed(error.fault))
            except Exception as error:  # noqa: BLE001 - raised again outside of the task group
                failures.append(error)
            if failures:
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for step in steps:
                tasks.start_soon(run, step)
        if failures:
            raise failures.pop(0)

    async def connect(self) -> None:
        """Open a connection to the API."""
        state = RequestState(self._watch, self._id)
        context, url = self._context, f"{self._context.origin}/"
        try:
            request = build_request("GET", url, context.headers, state, context.limits)
            await self._pool.open_ahead(request)
        except (httpx.HTTPError, OSError) as error:
            fault = fault_from(error, state, "unsent")
        else:
            self._watch.enter("token")
            return
        raise self._failed(fault)

    def deadline_exceeded(self, timeout: float) -> Exception:
        """Return the error for steps that took too long."""
        spent = self._watch.spent()
        return deadline_exceeded(timeout, spent, self._info(), may_have_been_processed=False)

    def _failed(self, fault: TransportFault) -> Exception:
        return connection_failed(fault, self._info(), may_have_been_processed=False)

    def _info(self) -> CallInfo:
        return CallInfo(
            method="CONNECT",
            path="/",
            url=f"{self._context.origin}/",
            correlation_id=self._id,
            sent_correlation_id=self._id,
            attempts=(),
            seconds=self._watch.seconds,
            reached="unsent",
        )
