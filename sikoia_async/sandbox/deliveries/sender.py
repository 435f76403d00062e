"""Sends deliveries over HTTP to receivers on this machine, and notes in the log how it went."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import anyio
import attrs
import httpx

from sikoia_async.sandbox.deliveries.payloads import signed
from sikoia_async.sandbox.faults.deliveries import NO_FAULT, DeliveryFault
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

_TIMEOUT = 5
"""Seconds that a receiver has for an answer."""
_NO_ANSWER = 0
"""What the log has where there was no status: its field is a number, and never null."""


@attrs.define(eq=False)
class Delivery:
    """What is to be sent to one webhook."""

    request: Record
    """Its record in the log."""
    body: bytes
    due: float
    """The clock at which it is sent."""
    pauses: list[float]
    """Seconds before each attempt that is left after the next one."""
    is_fault_taken: bool = False
    """Whether the fault plan has been asked."""
    fault: DeliveryFault = NO_FAULT
    """What goes wrong with the next attempt."""

    @property
    def receiver(self) -> bytes:
        """Who listens there: the host and the port."""
        return httpx.URL(self.request["webhook_callback_url"]).netloc


class Sender:
    """Makes attempts.

    Args:
        state: Where the log and the secret are.
        wait: Takes a delivery back that is to be tried again when it is due.
    """

    def __init__(self, state: State, wait: Callable[[Delivery], None]) -> None:
        self._state = state
        self._wait = wait

    async def send(
        self, due: Iterable[Delivery], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Send deliveries: to each receiver one after the other, to several at the same time.

        Args:
            due: The deliveries, in the order in which they are sent.
            transport: What to send by in place of sockets.
        """
        by_receiver: defaultdict[bytes, list[Delivery]] = defaultdict(list)
        for delivery in due:
            by_receiver[delivery.receiver].append(delivery)
        client = httpx.AsyncClient(
            # A receiver on loopback is a test, and what is sent does not leave this machine: its
            # certificate proves nothing, a proxy is not asked and a redirect not followed.
            verify=False,  # noqa: S501
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - an attempt has one, as a whole
            transport=transport,
        )
        async with client, anyio.create_task_group() as tasks:
            for deliveries in by_receiver.values():
                tasks.start_soon(self._send_in_turn, client, deliveries)

    async def _send_in_turn(self, client: httpx.AsyncClient, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            # Its record goes with the webhook.
            if delivery.request["request_id"] not in self._state.deleted:
                await self._try(client, delivery)

    async def _try(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        """Make an attempt, or as many as the fault plan says, and settle what comes next."""
        fault, delivery.fault = delivery.fault, NO_FAULT
        answers = [
            await self._attempt(client, delivery, fault) for _ in range(1 + (fault.repeat or 0))
        ]
        if any(httpx.codes.is_success(answer) for answer in answers):
            delivery.request["datetime_created"] = long_timestamp(self._state.now())
            delivery.request["webhook_event_status"] = "Complete"
        elif delivery.pauses:
            delivery.due = self._state.clock() + delivery.pauses.pop(0)
            self._wait(delivery)
        else:
            delivery.request["webhook_event_status"] = "Failed"

    async def _attempt(
        self, client: httpx.AsyncClient, delivery: Delivery, fault: DeliveryFault
    ) -> int:
        """Make one attempt, or pretend to, and answer the status that came back."""
        attempt = webhook_log.attempt(self._state, _NO_ANSWER)
        answer = 200 if fault.drop else await self._post(client, delivery, fault)
        attempt["http_response_code"] = answer
        delivery.request["request_attempts"].append(attempt)
        return answer

    async def _post(
        self, client: httpx.AsyncClient, delivery: Delivery, fault: DeliveryFault
    ) -> int:
        """Send a request and answer the status; what else the receiver says is not read."""
        # With the key of this moment: it may have been rotated since the delivery was prepared.
        body, headers = signed(delivery.body, self._key(), fault.forge)
        url = delivery.request["webhook_callback_url"]
        try:
            with anyio.move_on_after(_TIMEOUT):
                async with client.stream("POST", url, content=body, headers=headers) as response:
                    return response.status_code
        except httpx.HTTPError:
            """The log says that there was no answer, and not why."""
        return _NO_ANSWER

    def _key(self) -> str | None:
        for entry in self._state.store("webhook_secret"):
            key: str = entry.record["secret"]["shared_key"]
            return key
        return None
