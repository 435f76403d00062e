"""The exit codes of commands, and the line that says why one failed."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, cast

from sikoia_async import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ExitCode", "describe", "describe_bug", "in_cli_words"]


class ExitCode(IntEnum):
    """How a command ended; 128 and more are signals."""

    DONE = 0
    """It did what it was asked to."""
    FAILED = 1
    """Something on this machine: a file, a port, an extra that is not installed."""
    USAGE = 2
    """The command line is not valid, or an argument is; nothing was sent."""
    NOT_BOUGHT = 3
    """`--max-chargeable` is used up, or you did not agree; nothing was bought."""
    CONFIGURATION = 4
    """A setting is missing or invalid, such as a variable; nothing was sent."""
    REFUSED = 5
    """The credentials or the access token were refused, or have no permission: 401, 403."""
    NOT_FOUND = 6
    """It does not exist or was deleted: 404."""
    REJECTED = 7
    """Sikoia rejected the request: 400, 409, 422 and other 4xx."""
    RATE_LIMIT = 8
    """The organisation sent too many requests: 429."""
    UNAVAILABLE = 9
    """Sikoia was not reached, did not respond in time, failed, or its response was not valid."""
    IN_DOUBT = 10
    """The request may have been processed, and may have cost money; look before you repeat it."""
    STILL_RUNNING = 11
    """There was no result in time; wait again with the token."""
    NO_RESULT = 12
    """The operation failed at Sikoia; a new request may succeed."""
    CHOICE_NEEDED = 13
    """Several companies match; choose one."""
    BUG = 70
    """A mistake of this program."""


def describe(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code for an error, and what to print: one line, without values."""
    if isinstance(error, errors.SikoiaError):
        return _code_of(error), " ".join("; ".join(_parts(error)).split())
    if isinstance(error, ImportError | OSError | ValueError):
        return ExitCode.FAILED, _reason(error)
    return ExitCode.BUG, describe_bug(error)


def describe_bug(error: Exception) -> str:
    """Return what to print for a mistake of this program: its class and place, without its text."""
    return f"a mistake of this program, please report it: {_place_of(error)}"


_CODES: Final = (
    (errors.PurchaseInDoubtError, ExitCode.IN_DOUBT),
    (errors.ArgumentError, ExitCode.USAGE),
    (errors.InvalidOperationTokenError, ExitCode.USAGE),
    (errors.ConfigurationError, ExitCode.CONFIGURATION),
    (errors.StoreError, ExitCode.CONFIGURATION),
    (errors.ChargeLimitError, ExitCode.NOT_BOUGHT),
    (errors.OperationTimeoutError, ExitCode.STILL_RUNNING),
    (errors.TooManyResultsError, ExitCode.CHOICE_NEEDED),
    (errors.OperationError, ExitCode.NO_RESULT),
    (errors.TokenError, ExitCode.REFUSED),
    (errors.AuthenticationError, ExitCode.REFUSED),
    (errors.InsufficientPermissionsError, ExitCode.REFUSED),
    (errors.ResourceNotFoundError, ExitCode.NOT_FOUND),
    (errors.RateLimitError, ExitCode.RATE_LIMIT),
    (errors.ServerError, ExitCode.UNAVAILABLE),
    (errors.APIError, ExitCode.REJECTED),
    (errors.CallError, ExitCode.UNAVAILABLE),
)
"""The first class that fits decides."""
_SERVER_ERROR: Final = 500


def _code_of(error: errors.SikoiaError) -> ExitCode:
    if isinstance(error, errors.CallError) and error.may_have_been_processed:
        return ExitCode.IN_DOUBT
    if isinstance(error, errors.TokenError) and (error.status or 0) >= _SERVER_ERROR:
        return ExitCode.UNAVAILABLE
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)


def _parts(error: errors.SikoiaError) -> Iterator[str]:
    yield in_cli_words(error) if isinstance(error, errors.ConfigurationError) else _named(error)
    yield from getattr(error, "__notes__", ())
    if isinstance(error, errors.TooManyResultsError):
        resource = _RESOURCES.get(error.kind, error.kind)
        yield f"choose one: sikoia {resource} resolve-picklist {error.request_id} INDEX"
    if isinstance(error, errors.OperationTimeoutError) and error.token:
        yield f"to go on: sikoia wait {error.token}"
    if isinstance(error, errors.CallError) and error.may_have_been_processed:
        yield "the request may have been processed: look before you repeat it"


_RESOURCES: Final = {"credit-report": "credit-reports"}
"""The resource of a kind of operation, if it has another name."""


def _named(error: errors.SikoiaError) -> str:
    text = in_cli_words(error)
    if isinstance(error, errors.TooManyResultsError):
        text = text.partition(":")[0]
    correlation_id = cast("str | None", getattr(error, "correlation_id", None))
    if correlation_id and correlation_id not in text:  # those of calls have it already
        text += f" (correlation id {correlation_id})"
    return f"{type(error).__name__}: {text}"


def in_cli_words(error: errors.SikoiaError) -> str:
    """Return the message of an error, with what a command can do and not what a program can."""
    text = str(error)
    for in_python, here in _WORDS:
        text = text.replace(in_python, here)
    return text


_WORDS: Final = (
    ("pass client_id=... and client_secret=..., or set both", "set both"),
    ("(each environment has its own)", "(`sikoia sandbox` prints those of a local Sikoia)"),
    ("in full: error.detail", "in full: --reveal"),
    (": see error.result.message", ""),
    ("; wait again to continue", ""),
)
"""What messages say to callers in Python, and what they say here."""


def _reason(error: Exception) -> str:
    """Return the message of an error, without the errno."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    filename = cast("str | None", error.filename)
    return f"{filename}: {error.strerror}" if filename else error.strerror


def _place_of(error: Exception) -> str:
    """Return the class of an error and where it was raised. Its message may have personal data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_qualname}, line {trace.tb_lineno}"
