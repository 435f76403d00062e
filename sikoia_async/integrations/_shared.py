"""What the integrations with web frameworks have in common. Imports no framework."""

from __future__ import annotations

from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from sikoia_async import correlation_id
from sikoia_async.errors import ArgumentTypeError, SikoiaError
from sikoia_async.integrations._problems import Reply, problem_of
from sikoia_async.webhooks import read_delivery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from sikoia_async import Sikoia
    from sikoia_async.webhooks import Event, Router, WebhookEventName

__all__ = ["handle_delivery", "incoming_correlation_id", "opened", "validate_factory"]

_FACTORY: Final = (
    "client: expected a function that returns a new client, such as Sikoia or "
    "lambda: Sikoia(timeout=10); it is called when the application starts"
)


def validate_factory(client: Callable[[], AbstractAsyncContextManager[Sikoia]]) -> None:
    """Check that an application can make its client.

    Raises:
        ArgumentTypeError: `client` is not a function; a client itself is not.
    """
    if not callable(client):
        raise ArgumentTypeError(_FACTORY)


@asynccontextmanager
async def opened(
    client: Callable[[], AbstractAsyncContextManager[Sikoia]],
) -> AsyncGenerator[Sikoia]:
    """Make the client of an application, and close it at the end.

    Raises:
        ArgumentTypeError: the function returned something else.
    """
    made = client()
    if not hasattr(made, "__aenter__"):
        raise ArgumentTypeError(_FACTORY)
    async with made as sikoia:
        yield sikoia


def incoming_correlation_id(values: Sequence[str]) -> AbstractContextManager[str]:
    """Send the correlation id of a request with every call inside the block, or a new one.

    Args:
        values: the values of the request's header. An id counts if it is valid, and the only one.
    """
    return correlation_id(values[0] if len(values) == 1 else None, or_new=True)


async def handle_delivery(
    request: object,
    router: Router,
    event_type: WebhookEventName,
    feed: Callable[[Event], object],
    disconnects: tuple[type[Exception], ...],
) -> Reply:
    """Verify and handle a delivery, and return what to respond with.

    Args:
        request: the request, as the framework passes it to a handler.
        router: handles the event.
        event_type: the event type that the URL stands for.
        feed: gets a new event before its handler.
        disconnects: what the framework raises if the body ends too early.
    """
    try:
        body, signature = await read_delivery(request, max_body=router.max_body)
        await router.receive(body, signature, event_type=event_type, feed=feed)
    except SikoiaError as error:
        return problem_of(error)
    except disconnects:  # nobody reads the response
        return Reply(b"", HTTPStatus.BAD_REQUEST, {})
    return Reply(b"", HTTPStatus.NO_CONTENT, {})
