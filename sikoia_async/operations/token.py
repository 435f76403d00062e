"""Operation tokens: short strings that resume an operation in another process.

    op1.<environment>.<kind>.<ids>.<signature>

The signature is an HMAC of everything before it, keyed with the client secret if there is one, so a
token can be handed to a browser and taken back: a changed token is refused. Ids from a token are
validated and quoted like ids from a caller, and never used as a URL.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final

from sikoia_async._errors import InvalidOperationTokenError
from sikoia_async._validation import lazy_pattern, plain_string, validate_required, validate_type

__all__ = ["TokenSigner"]

_VERSION: Final = "op1"
_MAX_LENGTH: Final = 1024
_TOKEN: Final = lazy_pattern(
    r"op(?P<version>[0-9]{1,6})\.(?P<environment>[0-9a-f]{8})\.(?P<kind>[a-z-]{1,40})"
    r"\.(?P<ids>[A-Za-z0-9_-]*)\.(?P<signature>[A-Za-z0-9_-]{22})"
)
_SEPARATOR: Final = "\0"
_SIGNATURE_BYTES: Final = 16
_DIGEST_PURPOSE: Final = b"string of an event\0"
_PURPOSE: Final = b"sikoia_async operation token"
_CONTENT: Final = b"sikoia_async content\0"
"""Keeps hashes of content apart from the signatures of tokens."""


class TokenSigner:
    """Signs and reads the operation tokens of one application in one environment.

    Args:
        origin: the URL of the environment's API.
        secret: a secret of the application. If empty, signatures detect damage but not forgery.
        previous: the secret before a rotation, whose tokens are still accepted; None without one.
    """

    def __init__(self, origin: str, secret: str, previous: str | None = None) -> None:
        self._environment = sha256(origin.encode()).hexdigest()[:8]
        # Only keys derived from the secrets are kept here, not the secrets.
        self._keys = [
            digest(one.encode(), _PURPOSE + origin.encode(), "sha256")
            for one in (secret, previous)
            if one is not None
        ]

    def token(self, kind: str, ids: tuple[str, ...]) -> str:
        """Return the token of an operation."""
        encoded = urlsafe_b64encode(_SEPARATOR.join(ids).encode()).decode().rstrip("=")
        return self.sign(f"{_VERSION}.{self._environment}.{kind}.{encoded}")

    def sign(self, content: str) -> str:
        """Return the content with its signature appended."""
        return f"{content}.{_signature(content, self._keys[0])}"

    def digests(self, content: bytes) -> list[str]:
        """Return keyed hashes of some content: with the secret, and with the one before it."""
        return [digest(key, _CONTENT + content, "sha256").hex() for key in self._keys]

    def digest(self, string: str) -> str:
        """Return a keyed hash of 11 characters, the same in all processes of the application."""
        content = _DIGEST_PURPOSE + string.encode(errors="surrogatepass")
        return urlsafe_b64encode(digest(self._keys[0], content, "sha256")[:8]).decode().rstrip("=")

    def read(self, token: str) -> tuple[str, tuple[str, ...]]:
        """Return the kind and the ids of an operation.

        Raises:
            InvalidOperationTokenError: the token is from another environment or a newer version of
                this SDK, or it was damaged or forged.
        """
        validate_type(
            "token", validate_required("token", token), str, "a string from operation.token"
        )
        token = plain_string(token)
        match = _TOKEN.fullmatch(token) if len(token) <= _MAX_LENGTH else None
        if match is None:
            raise InvalidOperationTokenError(_MALFORMED)
        if f"op{match['version']}" != _VERSION:
            raise InvalidOperationTokenError(_NEWER)
        if match["environment"] != self._environment:
            raise InvalidOperationTokenError(_OTHER_ENVIRONMENT)
        content = token.rpartition(".")[0]
        matches = [
            compare_digest(_signature(content, key), match["signature"]) for key in self._keys
        ]
        if not any(matches):
            raise InvalidOperationTokenError(_FORGED)
        encoded = match["ids"]
        try:
            ids = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except ValueError:  # without a secret, anybody can sign
            problem = InvalidOperationTokenError(_MALFORMED)
        else:
            return match["kind"], tuple(ids.split(_SEPARATOR))
        raise problem


def _signature(content: str, key: bytes) -> str:
    signature = digest(key, content.encode(), "sha256")[:_SIGNATURE_BYTES]
    return urlsafe_b64encode(signature).decode().rstrip("=")


_MALFORMED: Final = "token: not a valid operation token; give operation.token unchanged"
_NEWER: Final = "token: made by a newer version of this SDK; update the SDK in this process"
_OTHER_ENVIRONMENT: Final = (
    "token: made in another environment; use a client of the environment it was made in"
)
_FORGED: Final = (
    "token: changed, or made with other credentials; give operation.token unchanged, to a client "
    "with the same credentials"
)
