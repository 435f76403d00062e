"""Checks variables: which are set, which are misspelt, whether their values and files are valid."""

from __future__ import annotations

import os
import ssl
from functools import partial
from typing import TYPE_CHECKING, Final

from sikoia_async._errors import ConfigurationError
from sikoia_async._settings import variables
from sikoia_async._settings.variables import VARIABLES
from sikoia_async._transport.connector import local_authorities, validate_environment
from sikoia_async._transport.tls import new_context
from sikoia_async.cli.doctor.findings import Finding
from sikoia_async.cli.doctor.session import new_client
from sikoia_async.cli.exit_codes import in_cli_words
from sikoia_async.cli.misspelt import OTHERS, misspelt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sikoia_async.cli.doctor.session import Session

__all__ = ["check_credentials", "check_environment", "check_variables"]

_AUTHORITIES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


async def check_variables(session: Session) -> list[Finding]:
    """Check the variables of the SDK, and those that name certificate authorities."""
    del session
    found = [
        Finding("variables", "warning", f"{name} is not read", f"did you mean {nearest}?")
        for name, nearest in misspelt(os.environ)
    ]
    found += [Finding("variables", "failed", problem) for problem in _invalid()]
    found += [Finding("variables", "warning", *one) for one in _without_effect()]
    if any(one.status == "failed" for one in found):
        return found
    names = [name for name in (*VARIABLES, *OTHERS) if name in os.environ]
    message = f"{', '.join(names)} set" if names else "none set"
    return [Finding("variables", "ok", message), *found]


async def check_environment(session: Session) -> list[Finding]:
    """Find out which environment is used, where it is, and whose certificates are trusted."""
    origin = "as --environment says"
    if session.environment is None:
        is_set = variables.text("SIKOIA_ENVIRONMENT") is not None
        origin = "from SIKOIA_ENVIRONMENT" if is_set else "because SIKOIA_ENVIRONMENT is not set"
        try:
            session.environment = validate_environment(None)
        except ConfigurationError as error:
            return [Finding("environment", "failed", str(error))]
    one = session.environment
    try:
        authorities = local_authorities(one)
        session.tls = new_context(authorities, trust_env=True, name="SIKOIA_CA_FILE")
    except ConfigurationError as error:
        return [Finding("environment", "failed", str(error))]
    hosts = f"API at {one.api}, access tokens from {one.token_url}"
    return [Finding("environment", "ok", f"{one.name}, {origin}: {hosts}")]


async def check_credentials(session: Session) -> list[Finding]:
    """Create the client that further checks use."""
    try:
        session.sikoia = new_client(session.checked)
    except ConfigurationError as error:
        return [Finding("credentials", "failed", in_cli_words(error))]
    sources = map(variables.source_of, ("SIKOIA_CLIENT_ID", "SIKOIA_CLIENT_SECRET"))
    return [Finding("credentials", "ok", f"from {' and '.join(sources)}")]


def _invalid() -> Iterator[str]:
    """Yield what is wrong with values and files. Nothing repeats a value."""
    for name in VARIABLES:
        value = os.environ.get(name)
        if value is None:
            continue
        if not value.strip():
            yield f"{name}: set, but empty; give it a value, or unset it"
            continue
        try:
            if check := _CHECKS.get(name):
                check()
        except ConfigurationError as error:
            yield str(error)


_CHECKS: Final[Mapping[str, Callable[[], object]]] = {
    "SIKOIA_CLIENT_ID_FILE": partial(variables.secret, "SIKOIA_CLIENT_ID"),
    "SIKOIA_CLIENT_SECRET_FILE": partial(variables.secret, "SIKOIA_CLIENT_SECRET"),
    "SIKOIA_WEBHOOK_SECRETS_FILE": partial(variables.secret, "SIKOIA_WEBHOOK_SECRETS"),
    "SIKOIA_TIMEOUT": variables.timeout,
    "SIKOIA_QUOTA_SHARE": variables.quota_share,
    "SIKOIA_MAX_CHARGEABLE": variables.max_chargeable,
    "SIKOIA_RELY_ON_EVENTS": variables.rely_on_events,
    "SIKOIA_LOG": variables.log_level,
}
"""What reads a variable, and raises if it is not valid. Other checks read the rest."""


def _without_effect() -> Iterator[tuple[str, str]]:
    """Yield variables that are set and change nothing, with what to do."""
    is_named = variables.text("SIKOIA_ENVIRONMENT") in (None, "production", "staging")
    if variables.text("SIKOIA_CA_FILE") and is_named:
        yield (
            "SIKOIA_CA_FILE is only read for a local Sikoia",
            "set SSL_CERT_FILE instead, or pass tls= in code",
        )
    for name in _AUTHORITIES:
        path = os.environ.get(name)
        if path and not _has_authorities(name, path):
            yield (
                f"{name} names nothing that can be read as certificate authorities",
                "name a file in PEM format, or a folder made by `openssl rehash`",
            )


def _has_authorities(name: str, path: str) -> bool:
    if name == "SSL_CERT_DIR":
        return all(os.path.isdir(one) for one in path.split(os.pathsep))  # noqa: PTH112 - of a list
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        return False
    return True
