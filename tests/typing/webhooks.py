"""The types of `sikoia_async.webhooks`: read by pyright and mypy, and never run."""

from typing import Literal, assert_type

from sikoia_async import Sikoia
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.webhooks import (
    Event,
    EventFeed,
    IdentityVerificationCompleted,
    Received,
    ReplayGuard,
    ReplayStore,
    Router,
    from_request,
    parse,
)


async def receive(body: bytes, store: ReplayStore, sikoia: Sikoia) -> None:
    """Receive a delivery."""
    router = Router("a secret", replay=ReplayGuard(store))

    @router.on(IdentityVerificationCompleted)
    def by_class(event: IdentityVerificationCompleted) -> None:
        """Handle an event."""

    @router.on("IdentityVerification.Completed")
    async def by_name(event: IdentityVerificationCompleted) -> None:
        """Handle an event."""

    assert_type(sikoia.events, EventFeed)
    received = await router.receive(body, None, feed=sikoia.events.feed)
    assert_type(received, Received)
    assert_type(received.outcome, Literal["handled", "duplicate", "merged", "unhandled"])
    assert_type(received.deduplicated, bool)
    by_class(IdentityVerificationCompleted("IdentityVerification.Completed", body))
    await by_name(IdentityVerificationCompleted("IdentityVerification.Completed", body))


def read(body: bytes, request: WebhookRequest) -> None:
    """Read events."""
    assert_type(parse(body), Event)
    assert_type(from_request(request), Event)
    assert_type(parse(body).find("request_id"), str | None)
