"""Idempotency keys: one for all attempts of a call, and never the same for two requests.

The vendor's guide mentions such keys and names no header, so none are sent unless the caller names
one.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from sikoia_async._calls.headers import OWN_HEADERS
from sikoia_async._errors import ArgumentError, ConfigurationError
from sikoia_async._validation import lazy_pattern, plain_string

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Keys", "validate_header", "validate_key"]

_REMEMBERED: Final = 10_000
_KEY: Final = lazy_pattern(r"[\x21-\x7e]{1,255}")
_HEADER: Final = lazy_pattern(r"[A-Za-z][A-Za-z0-9-]{0,63}")


class Keys:
    """The idempotency keys of a client.

    Args:
        header: the header that carries them.
    """

    def __init__(self, header: str) -> None:
        self.header = header
        self._used: OrderedDict[str, bytes] = OrderedDict()

    def choose(self, given: str | None, target: str, content: Iterable[bytes]) -> str:
        """Return the key of a call: the caller's, or a new one.

        Args:
            given: the caller's key, if any.
            target: method, path and query of the request.
            content: its body, in chunks.

        Raises:
            ArgumentError: the caller's key was used for another request.
        """
        if given is None:
            return str(uuid4())
        fingerprint = sha256(target.encode())
        for chunk in content:
            fingerprint.update(chunk)
        first = self._used.setdefault(given, fingerprint.digest())
        if first != fingerprint.digest():
            msg = "idempotency_key: already used for another request; use a new key for each"
            raise ArgumentError(msg)
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
        return given


def validate_header(name: object) -> str:
    """Return the name of a header that may carry idempotency keys.

    Raises:
        ConfigurationError: it is not a header name, or the header has another meaning.
    """
    if isinstance(name, str):
        header = plain_string(name)
        if _HEADER.fullmatch(header) and header.lower() not in OWN_HEADERS:
            return header
    msg = "idempotency_header: expected the header name from Sikoia, such as Idempotency-Key"
    raise ConfigurationError(msg)


def validate_key(key: object) -> str:
    """Return an idempotency key that can be sent.

    Raises:
        ArgumentError: it cannot be sent.
    """
    if isinstance(key, str) and _KEY.fullmatch(key):
        return plain_string(key)
    msg = "idempotency_key: expected 1 to 255 visible ASCII characters"
    raise ArgumentError(msg)
