"""The errors of a call that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async._errors import ConflictError, ConnectionFailedError, DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async._errors import APIError, CallInfo
    from sikoia_async._transport.types import Response, TransportFault

__all__ = ["connection_failed", "deadline_exceeded", "error_response"]

_HOW_FAR: Final = {
    "unsent": "Sikoia could not be reached, and nothing was sent",
    "sent": "the request was sent, and no response arrived",
    "assumed": "the request may have been sent, and no response arrived",
    "partial": "the response was incomplete",
}


def error_response(
    response: Response,
    call: CallInfo,
    *,
    retry_after: float | None,
    is_link: bool,
    may_have_been_processed: bool,
    is_repeated: bool,
) -> APIError:
    """Return the error for a 4xx or 5xx.

    Args:
        response: the response.
        call: the record of the call.
        retry_after: seconds that the server asked to wait.
        is_link: whether the request was a download by link.
        may_have_been_processed: whether Sikoia may have processed one of the attempts.
        is_repeated: whether an earlier attempt with the same idempotency key is in doubt.
    """
    from sikoia_async._codec.problems import (  # noqa: PLC0415 - loaded when needed
        error_from,
        link_error_from,
    )

    if is_link:
        return link_error_from(response, call, retry_after=retry_after)
    error = error_from(
        response,
        call,
        retry_after=retry_after,
        may_have_been_processed=may_have_been_processed,
    )
    if isinstance(error, ConflictError) and is_repeated:
        error.first_attempt_went_through = True
        error.add_note("an earlier attempt of this call succeeded: retrieve what it created")
    return error


def connection_failed(
    fault: TransportFault, call: CallInfo, *, may_have_been_processed: bool
) -> ConnectionFailedError:
    """Return the error for an exchange without a complete response."""
    how_far = _HOW_FAR["assumed" if fault.is_assumed else fault.reached]
    return ConnectionFailedError(
        f"{how_far}: {fault.reason}",
        call=attrs.evolve(call, reached=fault.reached),
        may_have_been_processed=may_have_been_processed,
    )


def deadline_exceeded(
    timeout: float,
    spent: Mapping[str, float],
    call: CallInfo,
    *,
    may_have_been_processed: bool,
    paused: float = 0.0,
) -> DeadlineExceededError:
    """Return the error for a call that ran out of time.

    Args:
        timeout: seconds that the call had.
        spent: seconds of each phase.
        call: the record of the call.
        may_have_been_processed: whether Sikoia may have processed one of the attempts.
        paused: seconds that a 429 still pauses the client for.
    """
    phases = [f"{phase} {seconds:.3g} s" for phase, seconds in spent.items() if seconds]
    what = "no response"
    if call.reached == "whole":
        what = "the file was not complete" if "file" in spent else "the response was not decoded"
    message = f"{what} within {timeout:g} s; time spent: {', '.join(phases) or 'none'}"
    if paused:
        message += f"; a 429 pauses this client for another {paused:.3g} s"
    return DeadlineExceededError(
        message, call=call, may_have_been_processed=may_have_been_processed, spent=spent
    )
