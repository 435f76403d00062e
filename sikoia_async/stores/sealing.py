"""Encrypts the access token that a store holds, if the application gives a key for it.

AES-256-GCM of the package `cryptography`, with a random nonce for each value. The account is
authenticated with it, so that the token of one account is not accepted for another.
"""

from __future__ import annotations

import logging
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import digest
from typing import Any, Final

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import plain_string, validate_type

__all__ = ["Sealer"]

_log = logging.getLogger("sikoia_async")

_PURPOSE: Final = b"sikoia_async stored access token"
_PREFIX: Final = "sealed1."
"""No access token begins with it."""
_NONCE_BYTES: Final = 12


class Sealer:
    """Encrypts and decrypts the access tokens of one store.

    A token that was sealed with another key, or that should be sealed and is not, counts as none:
    the process fetches one, and replaces it.

    Args:
        secret: a secret of the application, such as 32 random bytes in hex; None to store tokens
            as they are.

    Raises:
        ArgumentTypeError: `secret` is not a string.
        ConfigurationError: `secret` is blank, or `cryptography` is not installed.
    """

    def __init__(self, secret: str | None = None) -> None:
        self._cipher: Any = None if secret is None else _cipher(secret)
        """Holds a key derived from the secret, and not the secret."""
        self._has_warned = False

    def seal(self, account: str, token: str) -> str:
        """Return what to store for the access token of an account."""
        if self._cipher is None:
            return token
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, token.encode(), account.encode())
        return _PREFIX + urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, account: str, stored: str) -> str | None:
        """Return the access token of an account, or None if it was not sealed with this key."""
        is_sealed = stored.startswith(_PREFIX)
        if self._cipher is None and not is_sealed:
            return stored
        token = self._decrypt(account, stored) if self._cipher is not None and is_sealed else None
        if token is None and not self._has_warned:
            self._has_warned = True
            _log.warning("the stored access token is ignored: processes have different secrets")
        return token

    def _decrypt(self, account: str, stored: str) -> str | None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - an extra

        try:
            sealed = urlsafe_b64decode(stored.removeprefix(_PREFIX))
            nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            token: bytes = self._cipher.decrypt(nonce, content, account.encode())
            return token.decode()
        except (InvalidTag, ValueError):
            return None


def _cipher(secret: str) -> Any:
    validate_type("secret", secret, str, "a string, or None")
    if not secret.strip():
        msg = "secret: expected a random string, such as secrets.token_hex(32)"
        raise ConfigurationError(msg)
    key = digest(sha256(plain_string(secret).encode()).digest(), _PURPOSE, "sha256")
    del secret  # error reporters record the local variables of a traceback
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra
    except ImportError:
        del key
    else:
        return AESGCM(key)
    msg = "secret: cryptography is not installed: pip install 'sikoia-async[encryption]'"
    raise ConfigurationError(msg)
