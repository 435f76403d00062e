"""Delivers requests from a webhook's log to this machine, signed anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import anyio
import attrs
import httpx

from sikoia_async._transport.faults import reason_of
from sikoia_async.webhooks import SIGNATURE_HEADER, from_request, sign

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from sikoia_async.cli.webhooks.following import Entry
    from sikoia_async.cli.webhooks.places import Places

__all__ = ["PAUSES", "Attempt", "Forwarder"]

PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each further attempt: a server that is being restarted is back by then."""
_TIMEOUT: Final = 30.0

State = Literal["delivered", "failed", "given up", "skipped"]


@attrs.frozen(kw_only=True)
class Attempt:
    """An attempt to deliver an event, and how it ended."""

    webhook_id: str
    request_id: str
    event_type: str | None
    state: State
    status: int | None = None
    """The HTTP status of the response; None without one."""
    reason: str | None = None
    """Why there was no response, or no attempt."""
    seconds: float = 0.0


class Forwarder:
    """Delivers events one after the other, each until it is accepted or given up.

    An event that was accepted is not delivered again. Nor is one whose delivery was interrupted:
    nobody knows whether it was accepted.

    Args:
        url: where to deliver to, on this machine.
        secret: signs the deliveries.
        places: remembers what was delivered.
        show: called with each attempt.
        pauses: seconds before each further attempt.
        sleep: waits.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        places: Places,
        show: Callable[[Attempt], None],
        *,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._url = url
        self._secret = secret
        self._places = places
        self._show = show
        self._pauses = pauses
        self._sleep = sleep
        self._client = httpx.AsyncClient(
            # It is this machine: certificates are not verified, proxies not used, redirects, which
            # may lead elsewhere, not followed.
            verify=False,  # noqa: S501
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def deliver(self, entry: Entry) -> None:
        """Deliver an event, unless that was begun before."""
        webhook_id, request_id = entry.webhook_id, entry.request.request_id
        if self._places.begun(webhook_id) == request_id:
            reason = "may have been delivered when the last run ended, so it is not sent again"
            self._show(_attempt(entry, "skipped", reason=reason))
        else:
            await self._deliver(entry)
        self._places.settle(webhook_id, request_id)

    async def _deliver(self, entry: Entry) -> None:
        pauses = iter(self._pauses)
        while True:
            pause = next(pauses, None)
            self._places.begin(entry.webhook_id, entry.request.request_id)
            attempt = await self._attempt(entry, is_last=pause is None)
            self._show(attempt)
            if attempt.state == "delivered" or pause is None:
                return
            self._places.begin(entry.webhook_id, None)
            await self._sleep(pause)

    async def _attempt(self, entry: Entry, *, is_last: bool) -> Attempt:
        body = from_request(entry.request).body
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: sign(body, self._secret),
        }
        began, status, reason = time.monotonic(), None, None
        try:
            async with self._client.stream(
                "POST", self._url, content=body, headers=headers
            ) as response:
                status = response.status_code
        except httpx.HTTPError as error:
            reason = reason_of(error)
        is_accepted = status is not None and httpx.codes.is_success(status)
        state: State = "delivered" if is_accepted else "given up" if is_last else "failed"
        seconds = time.monotonic() - began
        return _attempt(entry, state, status=status, reason=reason, seconds=seconds)


def _attempt(entry: Entry, state: State, **outcome: Any) -> Attempt:
    return Attempt(
        webhook_id=entry.webhook_id,
        request_id=entry.request.request_id,
        event_type=entry.request.event_type,
        state=state,
        **outcome,
    )
