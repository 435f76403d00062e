"""Reads the body of a delivery from the request of a web framework, up to a limit.

Anyone can post to a webhook's URL, and most frameworks read a body of any size into memory. Here, a
request that cannot have a valid signature is refused before its body is read, and no body is read
beyond the limit.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final, cast

from sikoia_async._errors import ArgumentTypeError, WebhookVerificationError
from sikoia_async._validation import validate_whole
from sikoia_async.webhooks.signing import MAX_BODY, SIGNATURE_HEADER, TOO_LARGE, signature_flaw

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Mapping

__all__ = ["read_delivery"]


_WHAT: Final = "request: expected a request of Starlette, FastAPI or aiohttp; read others yourself"
_MAX_DIGITS: Final = 20


async def read_delivery(request: object, *, max_body: int = MAX_BODY) -> tuple[bytes, str]:
    """Return the raw body and the signature of a delivery, for `Router.receive`.

        body, signature = await read_delivery(request)
        await router.receive(body, signature)

    This does not verify the signature yet. It does not read the body if the signature cannot be
    valid or the request announces a body that is too large, and never reads much more than
    `max_body` bytes.

    Args:
        request: the request, as Starlette, FastAPI or aiohttp passes it to your code.
        max_body: the largest body to accept, in bytes; 1 MiB by default, as with `Router`.

    Raises:
        WebhookVerificationError: the signature is missing or malformed, or the body is too large;
            respond with its `response_status`.
        ArgumentTypeError: the argument is not a request of one of these frameworks.
        ConfigurationError: `max_body` is not a positive number.
    """
    limit = validate_whole("max_body", max_body, least=1)
    headers, chunks = _parts(request)
    signature = headers.get(SIGNATURE_HEADER)
    flaw = signature_flaw(signature) or _length_flaw(headers.get("Content-Length"), limit)
    body = None if flaw else await _read(chunks, limit)
    if body is None:
        # Error reporters record local variables, and anybody can cause such a report.
        del request, headers, chunks, signature
        raise WebhookVerificationError(flaw or TOO_LARGE)
    return body, cast("str", signature)


def _parts(request: object) -> tuple[Mapping[str, str], AsyncIterable[bytes]]:
    headers = getattr(request, "headers", None)
    stream = getattr(request, "stream", None) or getattr(
        getattr(request, "content", None), "iter_any", None
    )
    if not hasattr(headers, "get") or not callable(stream):
        raise ArgumentTypeError(_WHAT)
    chunks = stream()
    if not hasattr(chunks, "__aiter__"):
        raise ArgumentTypeError(_WHAT)
    return cast("Mapping[str, str]", headers), cast("AsyncIterable[bytes]", chunks)


def _length_flaw(declared: str | None, limit: int) -> str | None:
    """Return an error message if a Content-Length header says that the body is too large."""
    if declared is None or not declared.isdecimal():
        return None
    return TOO_LARGE if len(declared) > _MAX_DIGITS or int(declared) > limit else None


async def _read(chunks: AsyncIterable[bytes], limit: int) -> bytes | None:
    """Return the body, or None if it is larger than the limit."""
    body = bytearray()
    try:
        async for chunk in chunks:
            if len(body) + len(chunk) > limit:
                return None
            body += chunk
    finally:
        if isinstance(chunks, AsyncGenerator):  # trio warns of one that is not closed
            await cast("AsyncGenerator[bytes]", chunks).aclose()
    return bytes(body)
