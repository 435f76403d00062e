"""Hashes for the journal, which holds no values."""

from __future__ import annotations

import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sikoia_async.operations.token import TokenSigner

__all__ = ["CHANGED", "hash_of_arguments", "hash_of_key", "is_hash_of", "new_owner"]

CHANGED: Final = (
    "key: already used for a purchase with other arguments; use another key for each purchase "
    "(if you have changed the client secret, pass previous_secret)"
)
_SALT_BYTES: Final = 12


def hash_of_key(*parts: str) -> str:
    """Return what the journal calls a purchase. Anybody who guesses the key can compute it."""
    return sha256("\0".join(parts).encode()).hexdigest()


def hash_of_arguments(signer: TokenSigner, content: bytes) -> str:
    """Return a hash of a request that reveals nothing to those without the client secret.

    It has a random salt, so that equal requests do not show either.
    """
    salt = secrets.token_hex(_SALT_BYTES)
    return f"{salt}.{signer.digests(salt.encode() + content)[0]}"


def is_hash_of(signer: TokenSigner, content: bytes, arguments: str) -> bool:
    """Return whether a hash is that of a request; also if it was made with the previous secret."""
    salt, _, digest = arguments.partition(".")
    return any(compare_digest(digest, one) for one in signer.digests(salt.encode() + content))


def new_owner() -> str:
    """Return a new owner of a purchase. Every change has one, so that none is overwritten."""
    return secrets.token_hex(16)
