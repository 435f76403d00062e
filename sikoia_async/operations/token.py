"""Tokens of operations: a kind and its ids as a short text, to go on with in another process.

    op1.<environment>.<kind>.<ids>.<seal>

The seal is an HMAC over all before it, keyed by the client's own secret where it has one. So a
token can be handed to a browser and taken back: who changes it gets nothing. Of the ids none is
ever used as an address; they are checked and quoted like ids that a caller gives.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import validate_required, validate_type

__all__ = ["TokenSigner"]

_VERSION: Final = "op1"
_LONGEST: Final = 1024
_TOKEN: Final = re.compile(
    r"op(?P<version>[0-9]{1,6})\.(?P<where>[0-9a-f]{8})\.(?P<kind>[a-z-]{1,40})"
    r"\.(?P<ids>[A-Za-z0-9_-]*)\.(?P<seal>[A-Za-z0-9_-]{22})"
)
_SEPARATOR: Final = "\0"
_SEAL_BYTES: Final = 16
_PURPOSE: Final = b"sikoia_async operation token"


class TokenSigner:
    """Makes tokens for the operations of one application in one environment, and reads them.

    Args:
        origin: the environment's API.
        secret: what only the application knows; empty where the client was given no such thing.
            Then the seal finds damage, and no forgery.
    """

    def __init__(self, origin: str, secret: str) -> None:
        self._where = sha256(origin.encode()).hexdigest()[:8]
        # The secret itself is not kept a second time.
        self._key = digest(secret.encode(), _PURPOSE + origin.encode(), "sha256")

    def token(self, kind: str, ids: tuple[str, ...]) -> str:
        """Return the token of an operation."""
        packed = urlsafe_b64encode(_SEPARATOR.join(ids).encode()).decode().rstrip("=")
        text = f"{_VERSION}.{self._where}.{kind}.{packed}"
        return f"{text}.{self._seal(text)}"

    def read(self, token: str) -> tuple[str, tuple[str, ...]]:
        """Return the kind and the ids of an operation.

        Raises:
            ConfigurationError: the token is of another environment, of a newer version of this
                SDK, damaged or forged.
        """
        validate_type(
            "token", validate_required("token", token), str, "a string from operation.token"
        )
        parts = _TOKEN.fullmatch(token) if len(token) <= _LONGEST else None
        if parts is None:
            raise ConfigurationError(_MALFORMED)
        if f"op{parts['version']}" != _VERSION:
            raise ConfigurationError(_NEWER)
        if parts["where"] != self._where:
            raise ConfigurationError(_ELSEWHERE)
        text = token.rpartition(".")[0]
        if not compare_digest(self._seal(text), parts["seal"]):
            raise ConfigurationError(_FORGED)
        packed = parts["ids"]
        try:
            ids = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        except ValueError:  # sealed without a secret, by whoever did
            problem = ConfigurationError(_MALFORMED)
        else:
            return parts["kind"], tuple(ids.split(_SEPARATOR))
        raise problem

    def _seal(self, text: str) -> str:
        seal = digest(self._key, text.encode(), "sha256")[:_SEAL_BYTES]
        return urlsafe_b64encode(seal).decode().rstrip("=")


_MALFORMED: Final = "token: this is not the token of an operation; give operation.token as it was"
_NEWER: Final = "token: it was made by a newer version of this SDK; update it here"
_ELSEWHERE: Final = "token: it was made in another environment; use a client of that one"
_FORGED: Final = (
    "token: it was changed on its way, or made with other credentials; give operation.token as it "
    "was, to a client with the same credentials"
)
