"""Idempotency keys: the same through a call's attempts, and never for two different requests.

The vendor's guide speaks of such keys and names no header, so they are off until one is given.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from sikoia_async._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Keys", "validate_header", "validate_key"]

_REMEMBERED: Final = 10_000
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_OURS: Final = frozenset(
    {
        *("accept", "accept-encoding", "apikey", "authorization", "connection", "content-length"),
        *("content-type", "cookie", "host", "transfer-encoding", "user-agent", "x-correlation-id"),
    }
)


class Keys:
    """The idempotency keys of a client.

    Args:
        header: the header that carries them.
    """

    def __init__(self, header: str) -> None:
        self.header = header
        self._used: OrderedDict[str, bytes] = OrderedDict()

    def choose(self, given: str | None, target: str, content: Iterable[bytes]) -> str:
        """Return the key of a call: the one given, or a new one.

        Raises:
            ConfigurationError: the one given stands for another request already.
        """
        if given is None:
            return str(uuid4())
        print_ = sha256(target.encode())
        for piece in content:
            print_.update(piece)
        seen = self._used.setdefault(given, print_.digest())
        if seen != print_.digest():
            msg = "idempotency_key: it was used for another request already; a key is for one"
            raise ConfigurationError(msg)
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
        return given


def validate_header(name: str) -> str:
    """Return the name of a header that may carry keys.

    Raises:
        ConfigurationError: it is none, or one that means something else.
    """
    if _HEADER.fullmatch(name) and name.lower() not in _OURS:
        return name
    msg = "idempotency_header: give the name that Sikoia told you, such as Idempotency-Key"
    raise ConfigurationError(msg)


def validate_key(key: str) -> str:
    """Return an idempotency key that can be sent.

    Raises:
        ConfigurationError: it cannot.
    """
    if _KEY.fullmatch(key):
        return key
    msg = "idempotency_key: give 1 to 255 visible ASCII characters"
    raise ConfigurationError(msg)
