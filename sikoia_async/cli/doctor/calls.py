"""Checks that need a call: access token, API, clock, credits, rate limit."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sikoia_async._errors import (
    APIError,
    AuthenticationError,
    CallError,
    InsufficientPermissionsError,
    RateLimitError,
    TokenError,
)
from sikoia_async.cli.doctor.findings import Finding
from sikoia_async.cli.doctor.session import Outcome, new_client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sikoia_async.cli.doctor.session import Session
    from sikoia_async.environments import Environment

__all__ = ["check_call", "check_clock", "check_credits", "check_rate_limit", "check_token"]

_TOKEN: Final = "token"  # noqa: S105 - the name of a check
_LEFT: Final = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
"""Headers that gateways commonly use. Sikoia documents none."""
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_TOLERANCE: Final = 30.0
"""Seconds by which a clock may be off; a `Date` is rounded, and a response takes a while."""
_TOO_FAR: Final = 300.0
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


async def check_token(session: Session) -> list[Finding]:
    """Make the first call, which requests an access token."""
    before, error = time.time(), None
    try:
        response = (await session.client.webhooks.event_types()).response
        headers = response.headers
    except CallError as failure:
        error, headers = failure, failure.headers
    session.outcome = Outcome(error, headers, (before + time.time()) / 2)
    if isinstance(error, TokenError):
        return [await _refused(session, error)]
    if error is not None and _is_about_token(error, session.checked):
        return [Finding(_TOKEN, "failed", str(error))]
    return [Finding(_TOKEN, "ok", f"issued by {session.checked.token_url}")]


async def _refused(session: Session, error: TokenError) -> Finding:
    """Say which is wrong: the environment, or the credentials."""
    refusal = f"{error.status} {error.error or 'without an OAuth error code'}"
    if error.error == "invalid_scope":
        message = f"the scope of {session.checked.name} is refused: {refusal}"
        return Finding(_TOKEN, "failed", message, "correct scope= of your Environment")
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"the authorization server fails: {refusal}"
        return Finding(_TOKEN, "failed", message, "try again later")
    for other in session.other_environments:
        if await _accepts(other):
            message = f"these are credentials of {other.name}, not of {session.checked.name}"
            advice = f"set SIKOIA_ENVIRONMENT={other.name}, or take the other credentials"
            return Finding(_TOKEN, "failed", message, advice)
    tried = "".join(f"; {one.name} does not accept them" for one in session.other_environments)
    message = f"{session.checked.name} refuses client id and secret ({refusal}){tried}"
    return Finding(_TOKEN, "failed", message, _LOCAL_ADVICE if session.is_local else _ADVICE)


async def _accepts(environment: Environment) -> bool:
    """Return whether another environment grants an access token for the same credentials."""
    async with new_client(environment) as sikoia:
        try:
            await sikoia.webhooks.event_types()
        except TokenError:
            return False
        except CallError as error:
            return not _is_about_token(error, environment)
        return True


def _is_about_token(error: CallError, environment: Environment) -> bool:
    """Return whether it was the request for an access token that failed."""
    return error.call.path == urlsplit(environment.token_url).path


async def check_call(session: Session) -> list[Finding]:
    """Say how the first call ended: it lists the types of events, costs nothing, names nobody."""
    error = None if session.outcome is None else session.outcome.error
    if error is None:
        return [Finding("call", "ok", "GET /v2/webhooks/event-types, which is free")]
    if isinstance(error, RateLimitError):
        return [Finding("call", "failed", "429: see rate limit")]
    if isinstance(error, InsufficientPermissionsError) and _is_about_credits(error):
        return [Finding("call", "failed", "403: see credits")]
    advice = ""
    if isinstance(error, AuthenticationError):
        advice = "the token is valid for another API: check SIKOIA_ENVIRONMENT, and any gateway"
    elif isinstance(error, InsufficientPermissionsError):
        advice = "ask Sikoia to enable this application for the API"
    return [Finding("call", "failed", str(error), advice)]


async def check_clock(session: Session) -> list[Finding]:
    """Compare this machine's clock with the date of the response."""
    outcome = session.outcome
    date = None if outcome is None else _date(outcome.headers)
    if outcome is None or date is None:
        return [Finding("clock", "skipped", "no response said what time it is")]
    ahead = outcome.moment - date.timestamp()
    off = abs(ahead)
    if off < _TOLERANCE:
        return [Finding("clock", "ok", "as Sikoia's, within half a minute")]
    message = f"{_duration(off)} {'ahead of' if ahead > 0 else 'behind'} Sikoia's"
    advice = "set it, for example with NTP: times of purchases, logs and certificates are compared"
    return [Finding("clock", "failed" if off >= _TOO_FAR else "warning", message, advice)]


async def check_credits(session: Session) -> list[Finding]:
    """Say whether credits are left, if a response told."""
    error = None if session.outcome is None else session.outcome.error
    if isinstance(error, InsufficientPermissionsError) and _is_about_credits(error):
        message = "Sikoia refuses with 403: none are left"
        return [Finding("credits", "failed", message, "buy credits, or ask your account manager")]
    message = "the API does not say how many are left; without any, chargeable calls fail with 403"
    return [Finding("credits", "skipped", message)]


async def check_rate_limit(session: Session) -> list[Finding]:
    """Say how much of the rate limit is left, if a response told."""
    outcome = session.outcome
    if outcome is not None and isinstance(outcome.error, RateLimitError):
        after = outcome.error.retry_after
        wait = "a minute" if after is None else f"{after:.0f} s"
        message = "used up: Sikoia refuses with 429"
        advice = (
            f"wait {wait}; if other processes use it up, let them share stores, or lower "
            "SIKOIA_QUOTA_SHARE in each"
        )
        return [Finding("rate limit", "failed", message, advice)]
    left = None if outcome is None else _left(outcome.headers)
    known = "no header says how much is left" if left is None else f"{left} left in this window"
    return [Finding("rate limit", "ok", f"{known}; 200 requests a minute for an organisation")]


def _is_about_credits(error: APIError) -> bool:
    """Return whether a 403 is about credits: only its words tell."""
    return "credit" in f"{error.title} {error.detail}".lower()


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None


def _left(headers: Mapping[str, str]) -> int | None:
    found = (headers.get(name, "") for name in _LEFT)
    return next((int(value) for value in found if _WHOLE.fullmatch(value)), None)


def _duration(seconds: float) -> str:
    if seconds >= _HOUR:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _MINUTE:.0f} min" if seconds >= 2 * _MINUTE else f"{seconds:.0f} s"


_ADVICE: Final = (
    "take the client id and a new secret from the dashboard, where secrets expire two years after "
    "they were issued"
)
_LOCAL_ADVICE: Final = "set the variables that this `sikoia sandbox` has printed"
