"""Checks webhooks: whether there are any, and whether their deliveries can be verified."""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import TYPE_CHECKING

from sikoia_async._errors import CallError, ConfigurationError, ResourceNotFoundError
from sikoia_async.cli.doctor.findings import Finding
from sikoia_async.cli.webhooks.secrets import own_secrets

if TYPE_CHECKING:
    from sikoia_async.cli.doctor.session import Session

__all__ = ["check_webhooks"]


async def check_webhooks(session: Session) -> list[Finding]:
    """Compare the webhooks and their secret at Sikoia with the secrets in variables."""
    try:
        count = len(await session.client.webhooks.list())
        key = await _key(session)
    except CallError as error:
        return [Finding("webhooks", "warning", str(error))]
    webhooks = f"{count} webhook{'' if count == 1 else 's'}"
    secrets = _own_secrets()
    if isinstance(secrets, Finding):
        return [secrets]
    return [_unsigned(webhooks, count) if key is None else _compared(webhooks, key, secrets)]


def _unsigned(webhooks: str, count: int) -> Finding:
    if not count:
        return Finding("webhooks", "ok", "none are set up")
    message = f"{webhooks}, but no secret: deliveries are not signed, and a Router refuses them"
    advice = "call sikoia.webhooks.create_secret(), and set SIKOIA_WEBHOOK_SECRETS to its key"
    return Finding("webhooks", "failed", message, advice)


def _compared(webhooks: str, key: str, secrets: list[str]) -> Finding:
    if not secrets:
        message = f"{webhooks} with a secret; SIKOIA_WEBHOOK_SECRETS is not set"
        return Finding("webhooks", "warning", message, "set it where deliveries are received")
    if not any(compare_digest(one.encode(), key.encode()) for one in secrets):
        message = f"{webhooks}; SIKOIA_WEBHOOK_SECRETS does not have the key that Sikoia signs with"
        advice = "add the key that sikoia.webhooks.retrieve_secret() returns; it was rotated"
        return Finding("webhooks", "failed", message, advice)
    return Finding("webhooks", "ok", f"{webhooks}; SIKOIA_WEBHOOK_SECRETS has Sikoia's key")


async def _key(session: Session) -> str | None:
    """Return the key that Sikoia signs with; None if there is none."""
    try:
        return (await session.client.webhooks.retrieve_secret()).shared_key
    except ResourceNotFoundError:
        return None


def _own_secrets() -> list[str] | Finding:
    """Return the secrets in variables, or what is wrong with them."""
    names = ("SIKOIA_WEBHOOK_SECRETS", "SIKOIA_WEBHOOK_SECRETS_FILE")
    if not any(name in os.environ for name in names):
        return []
    try:
        return own_secrets()
    except ConfigurationError as error:
        return Finding("webhooks", "failed", str(error))
