"""Runs the checks of `sikoia doctor`, one after the other and for a limited time."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from sikoia_async._transport.faults import reason_of
from sikoia_async._version import __version__
from sikoia_async.cli.doctor.calls import (
    check_call,
    check_clock,
    check_credits,
    check_rate_limit,
    check_token,
)
from sikoia_async.cli.doctor.connections import check_dns, check_proxy, check_tls
from sikoia_async.cli.doctor.findings import Finding
from sikoia_async.cli.doctor.variables import (
    check_credentials,
    check_environment,
    check_variables,
)
from sikoia_async.cli.doctor.webhooks import check_webhooks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sikoia_async.cli.doctor.session import Session

__all__ = ["CHECKS", "Check", "diagnose"]


@attrs.frozen
class Check:
    """A check, and those that it needs: it is skipped if one of them fails, or was skipped."""

    name: str
    run: Callable[[Session], Awaitable[list[Finding]]]
    needs: tuple[str, ...] = ()


async def _check_versions(session: Session) -> list[Finding]:
    del session
    import httpx  # noqa: PLC0415 - loaded by this command only

    python = f"{platform.python_implementation()} {platform.python_version()}"
    versions = f"sikoia-async {__version__}, httpx {httpx.__version__}, {python}"
    return [Finding("versions", "ok", versions)]


CHECKS: Final = (
    Check("versions", _check_versions),
    Check("variables", check_variables),
    Check("environment", check_environment),
    Check("proxy", check_proxy, ("environment",)),
    Check("dns", check_dns, ("proxy",)),
    Check("tls", check_tls, ("proxy", "dns")),
    Check("credentials", check_credentials, ("environment", "variables")),
    Check("token", check_token, ("tls", "credentials")),
    Check("call", check_call, ("token",)),
    Check("clock", check_clock, ("token",)),
    Check("credits", check_credits, ("token",)),
    Check("rate limit", check_rate_limit, ("token",)),
    Check("webhooks", check_webhooks, ("call",)),
)


async def diagnose(
    session: Session,
    show: Callable[[Finding], None],
    *,
    seconds: float,
    checks: Sequence[Check] = CHECKS,
) -> list[Finding]:
    """Run all checks, and return what they find.

    Args:
        session: what to check.
        show: called with each finding as soon as it is there.
        seconds: for all checks together.
        checks: the checks.
    """
    findings = list[Finding]()
    failed = set[str]()
    until = anyio.current_time() + seconds
    try:
        for check in checks:
            found = await _run(check, session, failed, until)
            if any(one.status == "failed" for one in found) or found[0].message == _NOT_RUN:
                failed.add(check.name)
            for one in found:
                show(one)
            findings += found
    finally:
        if session.sikoia is not None:
            await session.sikoia.aclose()
    return findings


async def _run(check: Check, session: Session, failed: set[str], until: float) -> list[Finding]:
    broken = [name for name in check.needs if name in failed]
    if broken:
        failed.add(check.name)
        return [Finding(check.name, "skipped", f"needs {broken[0]}")]
    if anyio.current_time() >= until:
        return [Finding(check.name, "skipped", _NOT_RUN)]
    with anyio.CancelScope(deadline=until):
        try:
            return await check.run(session)
        except OSError as error:
            return [Finding(check.name, "failed", reason_of(error))]
    return [Finding(check.name, "failed", "no result in time", "give it more with --timeout")]


_NOT_RUN: Final = "the time is up"
