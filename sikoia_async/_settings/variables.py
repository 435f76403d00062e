"""The environment variables that this SDK reads. An argument in code takes precedence.

An error names the variable, and never its value.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeVar

from sikoia_async._errors import ConfigurationError
from sikoia_async._settings.secret_files import read_secret
from sikoia_async._validation import lazy_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping
    from decimal import Decimal

__all__ = [
    "VARIABLES",
    "LogLevel",
    "log_level",
    "max_chargeable",
    "quota_share",
    "rely_on_events",
    "secret",
    "source_of",
    "text",
    "timeout",
    "webhook_secrets",
]

T = TypeVar("T")

VARIABLES: Final = {
    "SIKOIA_ENVIRONMENT": "`environment`: `production`, `staging`, or the URL of a local Sikoia",
    "SIKOIA_CLIENT_ID": "`client_id`",
    "SIKOIA_CLIENT_ID_FILE": "a file with the `client_id`",
    "SIKOIA_CLIENT_SECRET": "`client_secret`",
    "SIKOIA_CLIENT_SECRET_FILE": "a file with the `client_secret`",
    "SIKOIA_CA_FILE": "a file with the certificate authorities of a local Sikoia",
    "SIKOIA_TIMEOUT": "`timeout`, in seconds",
    "SIKOIA_QUOTA_SHARE": "`quota`, as a share of Sikoia's rate limit: above 0, up to 1",
    "SIKOIA_MAX_CHARGEABLE": "`max_chargeable`",
    "SIKOIA_RELY_ON_EVENTS": "`rely_on_events`: `true`, `false` or `always`",
    "SIKOIA_LOG": "prints log records on standard error: `info` or `debug`",
    "SIKOIA_WEBHOOK_SECRETS": "the secrets of a `Router`, separated by spaces",
    "SIKOIA_WEBHOOK_SECRETS_FILE": "a file with the secrets of a `Router`, one in each line",
}
"""What each variable sets."""

LogLevel = Literal["info", "debug"]

_NUMBER: Final = lazy_pattern(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WHOLE: Final = lazy_pattern(r"[0-9]{1,9}")
_SECONDS: Final = "seconds, as a positive number such as 30"
_SHARE: Final = "a number above 0, up to 1, such as 0.25"
_RELIANCE: Final[dict[str, bool | Literal["always"]]] = {
    "true": True,
    "1": True,
    "false": False,
    "0": False,
    "always": "always",
}
_LOG_LEVELS: Final[dict[str, LogLevel]] = {"info": "info", "debug": "debug"}


def text(name: str) -> str | None:
    """Return a variable, or None if it is not set."""
    return os.environ.get(name)


def timeout() -> float | None:
    """Return `SIKOIA_TIMEOUT` in seconds, or None if it is not set."""
    seconds = _number("SIKOIA_TIMEOUT", _NUMBER, _SECONDS)
    if seconds == 0:
        _refuse("SIKOIA_TIMEOUT", _SECONDS)
    return None if seconds is None else float(seconds)


def quota_share() -> Decimal | None:
    """Return `SIKOIA_QUOTA_SHARE`, or None if it is not set."""
    share = _number("SIKOIA_QUOTA_SHARE", _NUMBER, _SHARE)
    if share is not None and not 0 < share <= 1:
        _refuse("SIKOIA_QUOTA_SHARE", _SHARE)
    return share


def max_chargeable() -> int | None:
    """Return `SIKOIA_MAX_CHARGEABLE`, or None if it is not set."""
    calls = _number("SIKOIA_MAX_CHARGEABLE", _WHOLE, "a whole number of calls, such as 100, or 0")
    return None if calls is None else int(calls)


def rely_on_events() -> bool | Literal["always"] | None:
    """Return `SIKOIA_RELY_ON_EVENTS`, or None if it is not set."""
    return _word("SIKOIA_RELY_ON_EVENTS", _RELIANCE, "true, false or always")


def log_level() -> LogLevel | None:
    """Return `SIKOIA_LOG`, or None if it is not set."""
    return _word("SIKOIA_LOG", _LOG_LEVELS, "info or debug")


def webhook_secrets() -> list[str]:
    """Return the secrets in `SIKOIA_WEBHOOK_SECRETS`, or in the file that is named instead.

    Raises:
        ConfigurationError: there are none, or the file cannot be read.
    """
    secrets = (secret("SIKOIA_WEBHOOK_SECRETS") or "").split()
    if not secrets:
        msg = (
            "no webhook secrets: pass them, or set SIKOIA_WEBHOOK_SECRETS or "
            "SIKOIA_WEBHOOK_SECRETS_FILE"
        )
        raise ConfigurationError(msg)
    return secrets


def source_of(name: str) -> str:
    """Return the variable that a secret comes from: `name`, or the one that names a file."""
    file = f"{name}_FILE"
    return file if text(file) is not None else name


def secret(name: str) -> str | None:
    """Return a secret from a variable or a file; None if neither is set.

    Raises:
        ConfigurationError: both are set, or the file has no secret that can be read.
    """
    source = source_of(name)
    if source == name:
        return text(name)
    if text(name) is not None:
        msg = f"{name}, {source}: set one of them, not both"
        raise ConfigurationError(msg)
    return read_secret(source, text(source) or "")


def _number(name: str, form: re.Pattern[str], what: str) -> Decimal | None:
    value = text(name)
    if value is None:
        return None
    if not form.fullmatch(value.strip()):
        _refuse(name, what)
    from decimal import Decimal  # noqa: PLC0415 - loaded if used

    return Decimal(value.strip())


def _word(name: str, words: Mapping[str, T], what: str) -> T | None:
    value = text(name)
    if value is None:
        return None
    if (word := value.strip().lower()) not in words:
        _refuse(name, what)
    return words[word]


def _refuse(name: str, what: str) -> NoReturn:
    msg = f"{name}: expected {what}"
    raise ConfigurationError(msg)
