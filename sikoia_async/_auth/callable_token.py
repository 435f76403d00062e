"""A function that returns access tokens."""

from __future__ import annotations

import inspect
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from sikoia_async._auth.secret import Secret
from sikoia_async._errors import ConfigurationError, is_server_error
from sikoia_async._transport.faults import reason_of
from sikoia_async._transport.types import RequestNotSent, TransportFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["CallableToken"]


class CallableToken:
    """A function of the user, sync or async, that is called before each request."""

    def __init__(self, function: Callable[[], str | Awaitable[str]]) -> None:
        self._function = function

    async def get(self) -> str:
        """Call the function and return its access token.

        Raises:
            RequestNotSent: it could not reach its authorization server; another attempt may.
            ConfigurationError: it failed otherwise, or returned an invalid token.
        """
        try:
            # No local variable holds the token: error reporters record those of a traceback.
            return Secret("the result of token()", await self._call()).reveal()
        except _FAILURES as error:
            # Converted, or it would be mistaken for a connection error of the call itself.
            problem = type(error).__name__
            if is_outage := _is_outage(error):
                problem = f"{problem} ({reason_of(error)})"
        msg = f"token: the function raised {problem}"
        if is_outage:
            raise RequestNotSent(TransportFault("unsent", msg))
        raise ConfigurationError(msg)

    async def _call(self) -> str:
        result = self._function()
        return await result if inspect.isawaitable(result) else result

    def forget(self, token: str) -> bool:  # noqa: ARG002 - the function knows what it returned
        """Return True: the function may return another one."""
        return True


def _is_outage(error: Exception) -> bool:
    """Return whether an error of the function may be gone after a while."""
    if isinstance(error, _OUTAGES):
        return True
    # The status of an error of httpx or requests; a refusal stays one.
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return is_server_error(status) or status == HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(error, OSError) and not isinstance(error, _FILE_ERRORS)


_FAILURES: Final = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    OSError,
)
"""What an exchange takes for faults of its own."""
_OUTAGES: Final = (
    httpx.NetworkError,
    httpx.TimeoutException,
    httpx.ProxyError,
    httpx.RemoteProtocolError,
)
_FILE_ERRORS: Final = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
)
