"""Sends deliveries to receivers on this machine, and records each attempt in the webhook log."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from http import HTTPStatus

import anyio
import attrs
import httpx

from sikoia_async.sandbox.deliveries.payloads import signed
from sikoia_async.sandbox.faults.deliveries import NO_FAULT, DeliveryFault
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

_NO_STATUS = 0
"""The log's status for an attempt without a response; its field is a number, never null."""


@attrs.define(eq=False)
class Delivery:
    """An event on its way to one webhook."""

    request: Record
    """Its record in the webhook log."""
    body: bytes
    due: float
    """The clock's seconds at which it is sent."""
    pauses: list[float]
    """Seconds before each of the remaining retries."""
    is_fault_taken: bool = False
    """Whether the fault plan has been consulted."""
    fault: DeliveryFault = NO_FAULT
    """The fault of the next attempt."""

    @property
    def receiver(self) -> bytes:
        """The host and port of the callback URL."""
        return httpx.URL(self.request["webhook_callback_url"]).netloc


class Sender:
    """Makes delivery attempts.

    Args:
        state: Holds the webhook log and the shared key.
        retry: Queues a delivery again after a failed attempt.
        timeout: Real seconds until a receiver has to respond.
    """

    def __init__(self, state: State, retry: Callable[[Delivery], None], *, timeout: float) -> None:
        self._state = state
        self._retry = retry
        self._timeout = timeout

    async def send(
        self, due: Iterable[Delivery], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Send deliveries: one after the other to each receiver, and to all receivers at once.

        Args:
            due: The deliveries, in the order in which they are sent.
            transport: An HTTP transport to use instead of sockets.
        """
        by_receiver: defaultdict[bytes, list[Delivery]] = defaultdict(list)
        for delivery in due:
            by_receiver[delivery.receiver].append(delivery)
        client = httpx.AsyncClient(
            # Receivers are tests on this machine, and requests must not leave it: certificates
            # are not verified, proxies not used and redirects not followed.
            verify=False,  # noqa: S501
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - each attempt has a timeout as a whole
            transport=transport,
        )
        async with client, anyio.create_task_group() as tasks:
            for deliveries in by_receiver.values():
                tasks.start_soon(self._send_in_order, client, deliveries)

    async def _send_in_order(self, client: httpx.AsyncClient, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            # Deleting a webhook deletes the records of its deliveries.
            if delivery.request["request_id"] not in self._state.deleted:
                await self._deliver(client, delivery)

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        """Make one attempt, or several if a fault repeats it, and record the outcome."""
        fault, delivery.fault = delivery.fault, NO_FAULT
        statuses = [
            await self._attempt(client, delivery, fault) for _ in range(1 + (fault.repeat or 0))
        ]
        if any(httpx.codes.is_success(status) for status in statuses):
            delivery.request["datetime_created"] = long_timestamp(self._state.now())
            delivery.request["webhook_event_status"] = "Complete"
        elif delivery.pauses:
            delivery.due = self._state.clock() + delivery.pauses.pop(0)
            self._retry(delivery)
        else:
            delivery.request["webhook_event_status"] = "Failed"

    async def _attempt(
        self, client: httpx.AsyncClient, delivery: Delivery, fault: DeliveryFault
    ) -> int:
        """Make one attempt, or pretend to, and return the status."""
        attempt = webhook_log.attempt(self._state, _NO_STATUS)
        status = HTTPStatus.OK if fault.drop else await self._post(client, delivery, fault)
        attempt["http_response_code"] = int(status)
        delivery.request["request_attempts"].append(attempt)
        return status

    async def _post(
        self, client: httpx.AsyncClient, delivery: Delivery, fault: DeliveryFault
    ) -> int:
        """Send a request and return the status; the body of the response is not read."""
        # Signed with the current key, which may be newer than the delivery.
        body, headers = signed(delivery.body, self._key(), fault.forge)
        url = delivery.request["webhook_callback_url"]
        try:
            with anyio.move_on_after(self._timeout):
                async with client.stream("POST", url, content=body, headers=headers) as response:
                    return response.status_code
        except httpx.HTTPError:
            """The log records that there was no response, not why."""
        return _NO_STATUS

    def _key(self) -> str | None:
        for entry in self._state.store("webhook_secret"):
            key: str = entry.record["secret"]["shared_key"]
            return key
        return None
